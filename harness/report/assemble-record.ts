// Puts the record together from what was measured. Pure: the same parts give the same record.

import { analyseEffects, analyseLevels } from "#harness/experiment/analyse.ts";
import { arms } from "#harness/experiment/arms.ts";
import type { Machine, MachinePressure } from "#harness/experiment/machine.ts";
import { generatorUtilizationLimit } from "#harness/experiment/measure-slice.ts";
import type { BlockResult } from "#harness/experiment/restart-block.ts";
import { type ExperimentResult, serverSettings } from "#harness/experiment/run-experiment.ts";
import type { RunPlan } from "#harness/experiment/run-plan.ts";
import type { Scenario } from "#harness/experiment/slice-record.ts";
import type { TimerJitter } from "#harness/experiment/timer-jitter.ts";
import { mergeLatencies, percentileMicros } from "#harness/load/latency.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import { effectRecord, levelRecord } from "./effect-records.ts";
import { profileRecord } from "./profile-record.ts";
import type {
  ChecksRecord,
  DataRecord,
  DistributionRecord,
  EnvironmentRecord,
  ReportRecord,
  RunRecord,
} from "./report-record.ts";
import { warningsOf } from "./warnings.ts";

export interface RecordParts {
  readonly run: RunRecord;
  readonly plan: RunPlan;
  readonly experiment: ExperimentResult;
  readonly cluster: ClusterRecord | undefined;
  /** Why it is absent or not whole, in sentences. */
  readonly clusterProblems: readonly string[];
  readonly data: Omit<DataRecord, "workloads" | "importErrors" | "products" | "customers">;
  readonly link: { readonly delayMs: number; readonly bitsPerSecond: number };
  readonly machine: Machine;
  readonly before: MachinePressure;
  readonly after: MachinePressure;
  readonly timerJitter: TimerJitter;
  readonly pinning: string;
  readonly lockHash: string | null;
  readonly checks: readonly ChecksRecord[];
}

export function assembleRecord(parts: RecordParts): ReportRecord {
  const { run, plan, experiment } = parts;
  const { blocks } = experiment;
  const slices = blocks.flatMap((block) => block.slices);
  const profile = blocks.find((block) => block.profile !== undefined)?.profile;
  const utilizations = slices.map((slice) => slice.generatorUtilization).sort((a, b) => a - b);
  const record: Omit<ReportRecord, "warnings"> = {
    schemaVersion: 1,
    run,
    environment: environmentOf(parts),
    data: {
      ...parts.data,
      products: experiment.seeded.productIds.size,
      customers: experiment.seeded.userIds.size,
      workloads: experiment.workloads.map(({ id, description }) => ({ workload: id, description })),
      importErrors: experiment.seeded.refused,
    },
    design: designOf(parts),
    effects: analyseEffects(slices, plan.confidence).map(effectRecord),
    levels: analyseLevels(slices, plan.confidence).map(levelRecord),
    distributions: distributionsOf(blocks),
    generator: {
      wireMicrosPerCall: experiment.generator.wire,
      grpcJsMicrosPerCall: experiment.generator.grpcJs,
      medianUtilization: utilizations[Math.floor(utilizations.length / 2)] ?? 0,
      maxUtilization: utilizations.at(-1) ?? 0,
      utilizationLimit: generatorUtilizationLimit,
      invalidSlices: slices.filter((slice) => slice.invalid !== null).length,
    },
    restarts: blocks.map((block, restart) => ({
      restart,
      order: block.order,
      seconds: block.seconds,
      canaryBefore: block.canaryBefore,
      canaryAfter: block.canaryAfter,
      arms: block.arms,
    })),
    slices,
    ...(profile === undefined ? {} : { profile: profileRecord(profile) }),
    checks: parts.checks,
    ...(parts.cluster === undefined ? {} : { cluster: parts.cluster }),
  };
  return { ...record, warnings: [...warningsOf(record), ...parts.clusterProblems] };
}

function environmentOf(parts: RecordParts): EnvironmentRecord {
  const { before, after, machine } = parts;
  const node = parts.experiment.blocks[0]?.node;
  const elapsedMs = after.atMs - before.atMs;
  const share = (from: number | null, to: number | null, whole: number) =>
    from === null || to === null ? null : (to - from) / whole;
  return {
    machine,
    node: node?.version ?? "unknown",
    v8: node?.v8 ?? "unknown",
    nodeFlags: node?.flags ?? [],
    lockHash: parts.lockHash,
    pinning: parts.pinning,
    loadBefore: before.load,
    loadAfter: after.load,
    stealShare: share(before.stealMs, after.stealMs, elapsedMs * machine.cores),
    waitedShare: share(before.waitedMs, after.waitedMs, elapsedMs),
    timerJitter: parts.timerJitter,
  };
}

function designOf({ plan, experiment, link }: RecordParts): ReportRecord["design"] {
  return {
    arms: arms.map(({ id, label, middlewareOff }) => ({ id, label, middlewareOff })),
    serverSettings,
    restartsPlanned: plan.restarts,
    rounds: plan.rounds,
    shapedRounds: plan.shapedRounds,
    confidence: plan.confidence,
    throughputSliceMs: plan.throughputSliceMs,
    latencySliceMs: plan.latencySliceMs,
    shapedSliceMs: plan.shapedSliceMs,
    warmUpMs: plan.warmUpMs,
    plannedSeconds: plan.totalSeconds,
    link,
    scenarios: experiment.rates.map((rate) => ({
      ...rate,
      concurrency: experiment.workloads.find((one) => one.id === rate.workload)?.concurrency[rate.link] ?? 0,
    })),
  };
}

const percentiles = [
  0, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99,
];

function distributionsOf(blocks: readonly BlockResult[]): DistributionRecord[] {
  const all = blocks.flatMap((block) => block.latencies);
  const groups = Map.groupBy(all, (one) => `${one.workload} ${one.link} ${one.arm}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const latency = mergeLatencies(group.map((one) => one.latency));
    const scenario: Scenario = { workload: first.workload, link: first.link };
    return [
      {
        ...scenario,
        arm: first.arm,
        calls: latency.count,
        // A percentile with fewer than three calls beyond it is a story about single calls.
        points: percentiles
          .filter((percentile) => latency.count * (1 - percentile / 100) >= 3)
          .map((percentile) => ({ percentile, ms: (percentileMicros(latency, percentile) ?? 0) / 1000 })),
      },
    ];
  });
}
