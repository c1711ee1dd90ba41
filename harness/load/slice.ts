// The result of a stretch of load on one arm: the unit of everything that is estimated later. Plain data. Every intended call is
// in it, whatever became of it: intended = completed + failed + unknown.

import { type Latency, mergeLatencies } from "./latency.ts";

export interface Slice {
  readonly loop: "open" | "closed";
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Calls whose intended time is in the slice; in a closed loop, which intends nothing, calls that ended in it. */
  readonly intended: number;
  /** Answered with OK. */
  readonly completed: number;
  /** Answered with another status. */
  readonly failed: number;
  /** Not answered: connection lost, given up, or not over when the run was. */
  readonly unknown: number;
  /** Of the intended: had to wait because `maxInFlight` calls were open. Their latency still counts from the intended time. */
  readonly deferred: number;
  /** By gRPC status code; "none" for calls without one. */
  readonly statusCounts: Readonly<Record<string, number>>;
  /** From the intended time, so free of coordinated omission; in a closed loop the same as serviceTime. */
  readonly latency: Latency;
  /** From the time it was really sent: what a naive client would report. */
  readonly serviceTime: Latency;
  /** How late the generator came to each call; waiting for a free place in flight is not in it. Empty in a closed loop. */
  readonly sendLag: Latency;
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
  /** Of the whole generator, so the same figure in each arm that ran at once. */
  readonly generatorCpuMicros: number;
  /** Wall time the pacer spun for want of anything to do. */
  readonly generatorSpinMicros: number;
  /** Busy share of the generator's event loop, without that. */
  readonly generatorUtilization: number;
  readonly valid: boolean;
  /** Why it is not, as sentences; empty when it is. */
  readonly invalidBecause: readonly string[];
}

export interface ArmSlices {
  readonly arm: string;
  /** In order of time. Slices of one index in different arms stand beside each other. */
  readonly slices: readonly Slice[];
}

export interface LoadResult {
  readonly arms: readonly ArmSlices[];
  /** From the end of the plan until the last call was over. */
  readonly drainMs: number;
  /** A closed loop's calls that were over only after its end, and so are in no slice. */
  readonly endedAfter: number;
}

/** One slice of all of them: counts added, distributions merged, utilization weighted by time. Throws RangeError for none. */
export function mergeSlices(slices: readonly Slice[]): Slice {
  const [first] = slices;
  if (first === undefined) throw new RangeError("no slices to merge");
  const sum = (of: (slice: Slice) => number) => slices.reduce((total, slice) => total + of(slice), 0);
  const durationMs = sum((slice) => slice.durationMs);
  return {
    loop: first.loop,
    startedAt: first.startedAt,
    durationMs,
    intended: sum((slice) => slice.intended),
    completed: sum((slice) => slice.completed),
    failed: sum((slice) => slice.failed),
    unknown: sum((slice) => slice.unknown),
    deferred: sum((slice) => slice.deferred),
    statusCounts: sumCounts(slices.map((slice) => slice.statusCounts)),
    latency: mergeLatencies(slices.map((slice) => slice.latency)),
    serviceTime: mergeLatencies(slices.map((slice) => slice.serviceTime)),
    sendLag: mergeLatencies(slices.map((slice) => slice.sendLag)),
    wireBytesSent: sum((slice) => slice.wireBytesSent),
    wireBytesReceived: sum((slice) => slice.wireBytesReceived),
    generatorCpuMicros: sum((slice) => slice.generatorCpuMicros),
    generatorSpinMicros: sum((slice) => slice.generatorSpinMicros),
    generatorUtilization: sum((slice) => slice.generatorUtilization * slice.durationMs) / durationMs,
    valid: slices.every((slice) => slice.valid),
    invalidBecause: [...new Set(slices.flatMap((slice) => slice.invalidBecause))],
  };
}

function sumCounts(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [status, count] of counts.flatMap((each) => Object.entries(each))) {
    total[status] = (total[status] ?? 0) + count;
  }
  return total;
}
