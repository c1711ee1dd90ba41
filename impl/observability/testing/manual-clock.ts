// A clock that a test moves. Timers fire in order, each at its time.
import type { Clock } from "#impl/runtime/clock.ts";

export interface ManualClock extends Clock {
  /** Moves time on, running what falls due. */
  advance(ms: number): void;
  /** Timers that are set. */
  readonly pending: number;
  /** How long each of them still waits, in milliseconds. */
  readonly waits: readonly number[];
}

export function manualClock(start = 1_800_000_000_000): ManualClock {
  let elapsed = 0;
  const timers = new Set<{ readonly at: number; readonly action: () => void }>();
  const nextBefore = (end: number) =>
    [...timers].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after(delayMs, action) {
      const timer = { at: elapsed + delayMs, action };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = elapsed + ms;
      for (let timer = nextBefore(end); timer !== undefined; timer = nextBefore(end)) {
        elapsed = timer.at;
        timers.delete(timer);
        timer.action();
      }
      elapsed = end;
    },
    get pending() {
      return timers.size;
    },
    get waits() {
      return [...timers].map(({ at }) => at - elapsed);
    },
  };
}
