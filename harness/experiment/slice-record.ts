// One measured slice: one arm, one workload, one link, a fraction of a second. The raw material of every number in a report,
// kept in it so that anyone can compute the estimates again.

import type { MetricId } from "./metrics.ts";
import type { ProcessUse } from "./process-use.ts";

export type WorkloadId = "hot-reads" | "search-pages";
export type LinkId = "loopback" | "shaped";

export interface Scenario {
  readonly workload: WorkloadId;
  readonly link: LinkId;
}

export interface SliceRecord extends Scenario {
  readonly restart: number;
  /** Slices of one round stand beside each other in time, one for each arm. */
  readonly round: number;
  readonly phase: "throughput" | "latency";
  readonly arm: string;
  /** Milliseconds since 1970; older records do not have it. */
  readonly startedAtMs?: number;
  readonly seconds: number;
  readonly calls: number;
  readonly failures: number;
  /** Null where this slice cannot know it. */
  readonly values: Readonly<Record<MetricId, number | null>>;
  /** Of the server's process; older records do not have it. */
  readonly process?: ProcessUse | null;
  /** Busy share of the generator's event loop, 0 to 1. */
  readonly generatorUtilization: number;
  /** How late the generator sent, 99th percentile; null in a closed loop, which has no schedule. */
  readonly sendLagP99Ms: number | null;
  /** Why it does not count. A slice that does not count takes its whole round with it, so that no arm is favoured. */
  readonly invalid: string | null;
}
