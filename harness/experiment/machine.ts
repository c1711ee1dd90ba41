// The machine a run ran on, from what the kernel tells. Numbers from machines that differ here must never be compared.
// A file that is missing makes its field null: not every kernel has them all.

import { readFile } from "node:fs/promises";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";

export interface Machine {
  readonly cpuModel: string;
  readonly cores: number;
  /** CPUs' worth of time the control group may use; null without a limit. */
  readonly quotaCores: number | null;
  readonly memoryBytes: number;
  /** Name, release and architecture. */
  readonly kernel: string;
}

/** What the neighbours do: read twice, the difference counts. */
export interface MachinePressure {
  /** Load average of the last minute. */
  readonly load: number;
  /** Cumulative, since boot. */
  readonly stealMs: number | null;
  /** Cumulative time that something waited for a CPU. */
  readonly waitedMs: number | null;
  /** When it was read, on the monotonic clock. */
  readonly atMs: number;
}

export async function readMachine(): Promise<Machine> {
  const processors = cpus();
  return {
    cpuModel: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    quotaCores: parseQuota(await text("/sys/fs/cgroup/cpu.max")),
    memoryBytes: totalmem(),
    kernel: `${platform()} ${release()} ${arch()}`,
  };
}

export async function readPressure(): Promise<MachinePressure> {
  return {
    load: loadavg()[0] ?? 0,
    stealMs: parseSteal(await text("/proc/stat")),
    waitedMs: parseWaited(await text("/proc/pressure/cpu")),
    atMs: performance.now(),
  };
}

/** "150000 100000" is 1.5 cores; "max 100000" is no limit. */
export function parseQuota(cpuMax: string | undefined): number | null {
  const [quota, period] = (cpuMax ?? "").trim().split(" ").map(Number);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : null;
}

/** The eighth column of the first line, in hundredths of a second. */
export function parseSteal(stat: string | undefined): number | null {
  const columns = /^cpu\s+(.*)$/m
    .exec(stat ?? "")?.[1]
    ?.trim()
    .split(/\s+/);
  const steal = Number(columns?.[7] ?? Number.NaN);
  return Number.isFinite(steal) ? steal * 10 : null;
}

/** The total of the "some" line, in microseconds. */
export function parseWaited(pressure: string | undefined): number | null {
  const total = Number(/^some .*total=(\d+)/m.exec(pressure ?? "")?.[1] ?? Number.NaN);
  return Number.isFinite(total) ? total / 1000 : null;
}

async function text(file: string): Promise<string | undefined> {
  return await readFile(file, "utf8").catch(() => undefined);
}
