// Slices of base and head that stand beside each other, and what of them counts. A slice that does not count takes its pair with
// it, so that no arm is favoured; the rules look at both arms alike and were fixed before anything was measured.

import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { percentileMicros } from "#harness/load/latency.ts";
import { type LoadResult, mergeSlices, type Slice } from "#harness/load/slice.ts";
import type { ArmName } from "./gate-arms.ts";
import type { RunningArm } from "./gate-restart.ts";
import type { TimingMetricId } from "./metrics.ts";

export interface LatencySlice {
  readonly calls: number;
  /** From the intended time. */
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  /** From the time it was sent: what a naive client would report. */
  readonly uncorrectedP99Ms: number | null;
}

export interface LatencyPair {
  readonly base: LatencySlice;
  readonly head: LatencySlice;
  readonly sendLagP99Ms: number;
  /** Why it does not count; null when it does. */
  readonly invalid: string | null;
}

export interface ThroughputSlice {
  readonly callsPerSecond: number;
  readonly cpuMicrosPerCall: number | null;
  readonly invalid: string | null;
}

export interface ThroughputPair {
  readonly first: ArmName;
  readonly base: ThroughputSlice;
  readonly head: ThroughputSlice;
}

/** Above it the generator hides what it measures. */
const busiestGenerator = 0.9;

export function latencyPairs(result: LoadResult): LatencyPair[] {
  const [base, head] = result.arms;
  return (base?.slices ?? []).flatMap((ours, i) => {
    const theirs = head?.slices[i];
    return theirs === undefined ? [] : [latencyPair(ours, theirs)];
  });
}

function latencyPair(base: Slice, head: Slice): LatencyPair {
  const reasons = [...new Set([...base.invalidBecause, ...head.invalidBecause])];
  const lag = Math.max(...[base, head].map((slice) => percentileMicros(slice.sendLag, 99) ?? 0));
  return {
    base: latencySlice(base),
    head: latencySlice(head),
    sendLagP99Ms: lag / 1000,
    invalid: reasons.length === 0 ? null : reasons.join("; "),
  };
}

function latencySlice({ latency, serviceTime, intended }: Slice): LatencySlice {
  const ms = (from: Slice["latency"], percent: number) => {
    const micros = percentileMicros(from, percent);
    return micros === null ? null : micros / 1000;
  };
  return {
    calls: intended,
    p50Ms: ms(latency, 50),
    p90Ms: ms(latency, 90),
    p99Ms: ms(latency, 99),
    uncorrectedP99Ms: ms(serviceTime, 99),
  };
}

/** One turn of one arm at saturation, with its process's counters read on both sides. */
export async function throughputOf(
  { name, system, driver, request }: RunningArm,
  firstIndex: number,
  durationMs: number,
  concurrency = 16,
): Promise<ThroughputSlice> {
  const before = await system.runtime();
  const result = await runClosedLoop({ arm: { name, driver, request }, concurrency, durationMs, firstIndex });
  const after = await system.runtime();
  const slice = mergeSlices(result.arms.flatMap(({ slices }) => slices));
  const calls = after.calls - before.calls;
  const reasons = [
    ...slice.invalidBecause,
    ...(slice.generatorUtilization > busiestGenerator
      ? [`generator busy: event loop above ${busiestGenerator}`]
      : []),
  ];
  return {
    callsPerSecond: slice.completed / (slice.durationMs / 1000),
    cpuMicrosPerCall: calls > 0 ? (after.cpuMicros - before.cpuMicros) / calls : null,
    invalid: reasons.length === 0 ? null : reasons.join("; "),
  };
}

/** ln(head / base) of each pair that counts and has both values. */
export function lnRatios(
  metric: TimingMetricId,
  measured: { readonly latency: readonly LatencyPair[]; readonly throughput: readonly ThroughputPair[] },
): number[] {
  const ratio = (base: number | null, head: number | null) =>
    base !== null && head !== null && base > 0 && head > 0 ? [Math.log(head / base)] : [];
  switch (metric) {
    case "cpuMicrosPerCall":
      return counting(measured.throughput).flatMap(({ base, head }) =>
        ratio(base.cpuMicrosPerCall, head.cpuMicrosPerCall),
      );
    case "secondsPerCall":
      return counting(measured.throughput).flatMap(({ base, head }) =>
        ratio(head.callsPerSecond, base.callsPerSecond),
      );
    default:
      return measured.latency
        .filter(({ invalid }) => invalid === null)
        .flatMap(({ base, head }) => ratio(base[metric], head[metric]));
  }
}

function counting(pairs: readonly ThroughputPair[]): readonly ThroughputPair[] {
  return pairs.filter(({ base, head }) => base.invalid === null && head.invalid === null);
}
