// The most messages a second: delays, and never leaves out.
import { type Clock, sleep } from "#impl/runtime/clock.ts";

/** How much lateness may be made up for: timers count whole milliseconds, and fast streams send several in one. */
const MAKE_UP_MS = 10;

/** Resolves when the next message may be sent. */
export type Pace = (signal: AbortSignal) => Promise<void>;

/** Undefined without a limit, which undefined or 0 messages a second mean. */
export function createPace(clock: Clock, maxPerSecond: number | undefined): Pace | undefined {
  if (maxPerSecond === undefined || maxPerSecond === 0) return undefined;
  const intervalMs = 1_000 / maxPerSecond;
  let nextAt = clock.monotonic();
  return async (signal) => {
    const waitMs = nextAt - clock.monotonic();
    if (waitMs > 0) await sleep(clock, waitMs, signal);
    nextAt = Math.max(nextAt, clock.monotonic() - MAKE_UP_MS) + intervalMs;
  };
}
