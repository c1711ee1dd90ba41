// The whole of a gate as it is written: what was compared, where, what came out, and every slice, so that anyone can judge again.

import type { Machine } from "#harness/experiment/machine.ts";
import type { Tree } from "./base-tree.ts";
import { defaultRule, type Rule } from "./decision.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { ArmName } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import type { PublishedCalibration } from "./published-calibration.ts";
import type { GateRun } from "./run-gate.ts";

export interface GateRecord extends GateRun {
  readonly schemaVersion: 2;
  readonly id: string;
  readonly command: string;
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  readonly seed: number;
  readonly rule: Rule;
  readonly plan: GatePlan;
  readonly baseRef: string;
  readonly commits: Readonly<Record<ArmName, string>>;
  readonly headDirty: boolean;
  readonly lockHashes: Readonly<Record<ArmName, string | null>>;
  /** Of the regression that was planted; null in a real gate. */
  readonly planted: string | null;
  readonly data: string;
  readonly machine: Machine;
  readonly pinning: string;
  /** Undefined where none was published. */
  readonly calibration: PublishedCalibration | undefined;
  /** Machine, runtime and locks in one value: absolute numbers of different ones must not be compared. */
  readonly fingerprint: string;
  readonly warnings: readonly string[];
}

export interface GateRecordParts {
  readonly run: GateRun;
  readonly id: string;
  readonly command: string;
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  readonly seed: number;
  readonly plan: GatePlan;
  readonly baseRef: string;
  readonly trees: Readonly<Record<ArmName, Tree>>;
  readonly headDirty: boolean;
  readonly planted: string | null;
  readonly data: string;
  readonly machine: Machine;
  readonly pinning: string;
  readonly calibration: PublishedCalibration | undefined;
}

export function gateRecord({ run, trees, ...parts }: GateRecordParts): GateRecord {
  const { base, head } = trees;
  const node = run.restarts[0]?.processes.head;
  return {
    schemaVersion: 2,
    ...parts,
    ...run,
    rule: defaultRule,
    commits: { base: base.commit, head: head.commit },
    lockHashes: { base: base.lockHash, head: head.lockHash },
    fingerprint: fingerprintOf([parts.machine, node, parts.pinning, base.lockHash, head.lockHash]),
    warnings: warningsOf(run, parts, trees),
  };
}

/** What a reader must know before believing the verdict. */
function warningsOf(
  run: GateRun,
  { machine, pinning, plan, headDirty }: Pick<GateRecordParts, "machine" | "pinning" | "plan" | "headDirty">,
  { base, head }: GateRecordParts["trees"],
): string[] {
  const canaries = run.restarts.flatMap(({ canaryBefore, canaryAfter }) => [canaryBefore, canaryAfter]);
  const drift = 1 - Math.min(...canaries) / Math.max(...canaries);
  const elapsedMs = Math.max(1, run.after.atMs - run.before.atMs);
  const steal = ((run.after.stealMs ?? 0) - (run.before.stealMs ?? 0)) / (elapsedMs * machine.cores);
  const latency = run.restarts.flatMap((restart) => restart.latency);
  const lost = latency.filter(({ invalid }) => invalid !== null).length;
  const cold = run.restarts.filter(({ warmUp }) => !warmUp.steady).length;
  const rules: readonly (readonly [broken: boolean, text: string])[] = [
    [
      run.before.load > machine.cores / 2,
      `The machine was busy before the run: load ${run.before.load} on ${machine.cores} cores.`,
    ],
    [steal > 0.02, `The hypervisor took ${percent(steal)} of the machine's time for others.`],
    [drift > 0.1, `The machine's speed moved by ${percent(drift)} during the run.`],
    [!pinning.startsWith("generator on"), `Generator and servers may have shared a core (${pinning}).`],
    [
      run.look === "final" && run.restarts.length < plan.restarts,
      `Only ${run.restarts.length} of ${plan.restarts} restarts fitted into the time.`,
    ],
    [lost > latency.length / 20, `${lost} of ${latency.length} pairs of latency slices did not count.`],
    [
      cold > run.restarts.length / 2,
      `In ${cold} of ${run.restarts.length} restarts the CPU per call had not settled when the warm-up ended.`,
    ],
    [
      base.lockHash !== head.lockHash,
      "The dependency locks differ: dependencies are a part of the change that was measured.",
    ],
    [
      base.pinnedNode !== head.pinnedNode,
      `The pinned Node differs (base ${base.pinnedNode}, head ${head.pinnedNode}); both ran on head's.`,
    ],
    [headDirty, "Head has uncommitted changes."],
    [run.refusedRows > 0, `The system refused ${run.refusedRows} rows of the import.`],
  ];
  return rules.flatMap(([broken, text]) => (broken ? [text] : []));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
