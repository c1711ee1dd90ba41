// When the iterations of an arrival rate are to begin: as k6 does it, the first at once with a constant rate, and with a ramp each
// where the area under the rate reaches the next whole number. Absolute times: a late iteration moves none of those after it.

import type { Stage } from "./options.ts";

export interface RatePlan {
  readonly startRate: number;
  readonly stages: readonly Stage[];
  readonly timeUnitMs: number;
  readonly constant: boolean;
}

/** Milliseconds from the scenario's start, ascending. */
export function* arrivalTimes({ startRate, stages, timeUnitMs, constant }: RatePlan): Generator<number> {
  if (constant) {
    const durationMs = stages.reduce((sum, stage) => sum + stage.durationMs, 0);
    for (let tick = 0; (tick * timeUnitMs) / startRate < durationMs; tick++)
      yield (tick * timeUnitMs) / startRate;
    return;
  }
  let stageStart = 0;
  let from = startRate / timeUnitMs;
  let done = 0;
  let next = 1;
  for (const { durationMs, target } of stages) {
    const to = target / timeUnitMs;
    const area = (durationMs * (from + to)) / 2;
    // A tick at the very end belongs to the stage, whatever rounding says.
    for (; next <= done + area + 1e-9; next++)
      yield stageStart + timeAtArea(next - done, from, to, durationMs);
    done += area;
    stageStart += durationMs;
    from = to;
  }
}

/** When the area under a line from rate `from` to rate `to` reaches `area`. */
function timeAtArea(area: number, from: number, to: number, durationMs: number): number {
  const slope = (to - from) / Math.max(durationMs, 1e-9);
  if (slope === 0) return area / from;
  const root = Math.sqrt(Math.max(0, from * from + 2 * slope * area));
  return Math.min(durationMs, (root - from) / slope);
}
