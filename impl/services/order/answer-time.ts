// How long an answer may wait for work that goes on without it.
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";

/** What is left of a call's time for the answer itself. */
const MARGIN_MS = 200;

/** At most `patienceMs`, and less when the call has less time. */
export function answerTimeMs({ remainingMs }: Call, patienceMs: number): number {
  return Math.max(0, Math.min(patienceMs, remainingMs - MARGIN_MS));
}

/** Resolves when the work has settled or the time is over, whichever is first. */
export async function settledWithin(clock: Clock, work: Promise<unknown>, ms: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  try {
    await Promise.race([work, over]);
  } finally {
    cancel();
  }
}
