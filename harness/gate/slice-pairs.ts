// Slices of base and head that stand beside each other, and what of them counts. A slice that does not count takes its pair with
// it, so that no arm is favoured; the rules look at both arms alike and were fixed before anything was measured.

import { percentileMicros } from "#harness/load/latency.ts";
import type { LoadResult, Slice } from "#harness/load/slice.ts";
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

export interface BusySlice {
  readonly calls: number;
  readonly cpuMicrosPerCall: number | null;
}

export interface BusyPair {
  readonly base: BusySlice;
  readonly head: BusySlice;
  /** Why it does not count; null when it does. */
  readonly invalid: string | null;
}

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

/** ln(head / base) of each pair that counts and has both values. */
export function lnRatios(
  metric: TimingMetricId,
  measured: { readonly latency: readonly LatencyPair[]; readonly busy: readonly BusyPair[] },
): number[] {
  const ratio = (base: number | null, head: number | null) =>
    base !== null && head !== null && base > 0 && head > 0 ? [Math.log(head / base)] : [];
  const counting = <P extends { readonly invalid: string | null }>(pairs: readonly P[]): readonly P[] =>
    pairs.filter(({ invalid }) => invalid === null);
  if (metric === "cpuMicrosPerCall") {
    return counting(measured.busy).flatMap(({ base, head }) => ratio(base[metric], head[metric]));
  }
  return counting(measured.latency).flatMap(({ base, head }) => ratio(base[metric], head[metric]));
}
