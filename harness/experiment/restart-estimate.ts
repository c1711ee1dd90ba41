// One effect from slices nested in restarts. The restart is the unit of replication: two processes of the same code differ,
// so slices of one process never count as independent evidence. The error is the larger of what the restarts show between
// them and what the slices show within them, and the interval has the degrees of freedom of the restarts.

import { tQuantile, tUpperTail } from "./student-t.ts";
import { mean, standardDeviation, trimmedMean } from "./trimmed-mean.ts";

/** An effect in natural logarithms: 0 is none. */
export interface RestartEstimate {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
  /** Which of the two errors was the larger. */
  readonly errorFrom: "between restarts" | "within restarts";
  /** Two-sided p-value of no effect. */
  readonly p: number;
  /** The smallest effect this run would have found with probability `power`. */
  readonly detectable: number;
  readonly restarts: number;
  readonly slices: number;
  /** Standard deviation of one slice inside a restart: what the machine lets one see. */
  readonly sliceDeviation: number;
}

export interface EstimateOptions {
  /** Two-sided confidence of the interval, default 0.95. */
  readonly confidence?: number;
  /** Power at which `detectable` is stated, default 0.95. */
  readonly power?: number;
  /** Share trimmed from each end inside a restart, default 0.2. */
  readonly trim?: number;
}

/**
 * `restarts[j][k]` is the ln ratio of slice k in restart j. Restarts without a slice are left out.
 * Undefined when fewer than two restarts remain: one restart has no error to state.
 */
export function estimateFromRestarts(
  restarts: readonly (readonly number[])[],
  options: EstimateOptions = {},
): RestartEstimate | undefined {
  const { confidence = 0.95, power = 0.95, trim = 0.2 } = options;
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence must lie in (0, 1), got ${confidence}`);
  const kept = restarts.filter((slices) => slices.length > 0);
  const count = kept.length;
  if (count < 2) return undefined;

  const located = kept.map((slices) => trimmedMean(slices, trim));
  const estimate = mean(located.map((one) => one.mean));
  const between = standardDeviation(located.map((one) => one.mean)) / Math.sqrt(count);
  const within = Math.sqrt(located.reduce((sum, one) => sum + one.standardError ** 2, 0)) / count;
  const standardError = Math.max(between, within);

  const degrees = count - 1;
  const critical = tQuantile(0.5 + confidence / 2, degrees);
  return {
    estimate,
    low: estimate - critical * standardError,
    high: estimate + critical * standardError,
    standardError,
    errorFrom: between >= within ? "between restarts" : "within restarts",
    p: twoSidedP(estimate, standardError, degrees),
    detectable: (critical + tQuantile(power, degrees)) * standardError,
    restarts: count,
    slices: kept.reduce((sum, slices) => sum + slices.length, 0),
    sliceDeviation: Math.sqrt(mean(kept.map((slices) => standardDeviation(slices) ** 2))),
  };
}

function twoSidedP(estimate: number, standardError: number, degrees: number): number {
  if (standardError === 0) return estimate === 0 ? 1 : 0;
  return 2 * tUpperTail(Math.abs(estimate) / standardError, degrees);
}
