// How fast one stream may act: a bucket that fills evenly and from which every action takes one.
import type { Clock } from "#impl/runtime/clock.ts";

export interface ActionRate {
  /** 0 when the action may be done now, and is counted; else the milliseconds until one may. */
  take(): number;
}

export function createActionRate(clock: Clock, perSecond: number, atOnce: number): ActionRate {
  let left = atOnce;
  let at = clock.monotonic();
  return {
    take() {
      const now = clock.monotonic();
      left = Math.min(atOnce, left + ((now - at) * perSecond) / 1_000);
      at = now;
      if (left < 1) return Math.ceil(((1 - left) * 1_000) / perSecond);
      left -= 1;
      return 0;
    },
  };
}
