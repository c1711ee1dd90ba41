// Slices made by hand for tests: every value is 100 times the factors' effects, times the noise of its restart and round.

import { arms } from "../arms.ts";
import type { MetricId } from "../metrics.ts";
import type { Scenario, SliceRecord } from "../slice-record.ts";

export interface MadeTruth extends Scenario {
  readonly restarts: number;
  readonly rounds: number;
  /** Multiplies a metric where the factor is on; unnamed metrics are untouched. */
  readonly caching?: Partial<Record<MetricId, number>>;
  readonly compression?: Partial<Record<MetricId, number>>;
  /** Multiplies every value of one slice; default none. */
  readonly noise?: (restart: number, round: number, arm: string) => number;
}

const base: Readonly<Record<MetricId, number>> = {
  callsPerSecond: 8000,
  p50Ms: 1.2,
  p90Ms: 2.5,
  p99Ms: 6,
  cpuMicrosPerCall: 100,
  databaseCpuMicrosPerCall: 40,
  allocatedBytesPerCall: 42_000,
  wireBytesPerCall: 600,
  databaseQueriesPerCall: 1,
  cacheHitRatio: 0.5,
};

export function madeSlices(truth: MadeTruth): SliceRecord[] {
  const { workload, link, restarts, rounds, noise = () => 1 } = truth;
  const slices: SliceRecord[] = [];
  for (let restart = 0; restart < restarts; restart++)
    for (let round = 0; round < rounds; round++)
      for (const phase of ["throughput", "latency"] as const)
        for (const arm of arms) {
          const factor = (id: MetricId) =>
            (arm.on.includes("caching") ? (truth.caching?.[id] ?? 1) : 1) *
            (arm.on.includes("compression") ? (truth.compression?.[id] ?? 1) : 1) *
            noise(restart, round, arm.id);
          slices.push({
            workload,
            link,
            restart,
            round,
            phase,
            arm: arm.id,
            seconds: 0.3,
            calls: 2400,
            failures: 0,
            values: mapValues(base, (value, id) => value * factor(id)),
            generatorUtilization: 0.3,
            sendLagP99Ms: phase === "latency" ? 0.4 : null,
            invalid: null,
          });
        }
  return slices;
}

function mapValues(
  record: Readonly<Record<MetricId, number>>,
  of: (value: number, id: MetricId) => number,
): Record<MetricId, number> {
  const result = { ...record };
  for (const id of Object.keys(record) as MetricId[]) result[id] = of(record[id], id);
  return result;
}
