// Which machine, and which software below ours, a run ran on. Runs that differ in it are never compared in absolute numbers.

import { createHash } from "node:crypto";
import type { EnvironmentRecord } from "#harness/report/report-record.ts";

/** Eight hexadecimal digits. What changes by itself, such as the load, is not in it. */
export function fingerprintOf({
  machine,
  node,
  v8,
  nodeFlags,
  pinning,
}: Pick<EnvironmentRecord, "machine" | "node" | "v8" | "nodeFlags" | "pinning">): string {
  const { cpuModel, cores, quotaCores, memoryBytes, kernel } = machine;
  // The kernel hides some memory, a little more or less with each version.
  const memoryGb = Math.round(memoryBytes / 2 ** 30);
  const parts = [cpuModel, cores, quotaCores, memoryGb, kernel, node, v8, nodeFlags, pinning];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
}

export function machineInWords({
  machine,
  node,
  pinning,
}: Pick<EnvironmentRecord, "machine" | "node" | "pinning">): string {
  const memoryGb = Math.round(machine.memoryBytes / 2 ** 30);
  return `${machine.cpuModel}, ${machine.cores} cores, ${memoryGb} GB, ${machine.kernel}, Node ${node}; ${pinning}`;
}
