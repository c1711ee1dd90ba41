// From estimates in logarithms to the ratios and verdicts of a report. A verdict is only ever what the interval says: an
// interval that holds 1 is "none seen", never "none".

import type { Effect, Level } from "#harness/experiment/analyse.ts";
import type { EffectRecord, LevelRecord, Verdict } from "./report-record.ts";

export function effectRecord(effect: Effect): EffectRecord {
  const { workload, link, metric, factor, given = null, estimate, afterCorrection } = effect;
  const about = { workload, link, metric: metric.id, factor, given, afterCorrection };
  if (!estimate) {
    return {
      ...about,
      ratio: null,
      low: null,
      high: null,
      p: null,
      standardErrorLn: null,
      errorFrom: null,
      sliceDeviationLn: null,
      detectable: null,
      restarts: 0,
      slices: 0,
      verdict: "unknown",
    };
  }
  const [ratio, low, high] = [estimate.estimate, estimate.low, estimate.high].map(finiteExp);
  return {
    ...about,
    ratio: ratio ?? null,
    low: low ?? null,
    high: high ?? null,
    p: estimate.p,
    standardErrorLn: estimate.standardError,
    errorFrom: estimate.errorFrom,
    sliceDeviationLn: estimate.sliceDeviation,
    detectable: Math.min(Math.expm1(estimate.detectable), Number.MAX_VALUE),
    restarts: estimate.restarts,
    slices: estimate.slices,
    verdict: verdictOf(estimate.low, estimate.high, metric.better),
  };
}

/** Levels of one arm; a level is on the metric's own scale. */
export function levelRecord({ workload, link, metric, arm, estimate }: Level): LevelRecord {
  return {
    workload,
    link,
    metric: metric.id,
    arm: arm.id,
    value: estimate?.estimate ?? null,
    low: estimate?.low ?? null,
    high: estimate?.high ?? null,
  };
}

/** Effects below this matter to nobody, however surely they were seen. */
const negligibleLn = Math.log(1.01);

export function verdictOf(low: number, high: number, better: "lower" | "higher"): Verdict {
  if (Math.max(-low, high) < negligibleLn) return "negligible";
  if (low <= 0 && high >= 0) return "none seen";
  return high < 0 === (better === "lower") ? "better" : "worse";
}

/** Few restarts can make an interval so wide that its end overflows; JSON knows no infinity. */
export function finiteExp(ln: number): number {
  return Math.min(Math.exp(ln), Number.MAX_VALUE);
}
