// One deadline for all that is done for a call of the caller's, however many calls that are made for it.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Method } from "#impl/runtime/method.ts";
import { type CallOptions, deadlineOf } from "./client.ts";

type TimedOptions = CallOptions & { readonly deadlineMs: number };

/** The deadline is fixed now; hands back options with what is left of it whenever it is called. */
export function overallDeadline(method: Method, options: CallOptions, clock: Clock): () => TimedOptions {
  const deadlineAt = deadlineOf(method, options, clock);
  return () => ({ ...options, deadlineMs: Math.max(0, deadlineAt - clock.now()) });
}
