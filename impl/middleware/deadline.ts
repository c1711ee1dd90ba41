// Every call gets a deadline: its caller's, else its policy's, and none longer than the server allows. The timer is set only for a
// call that goes on after its handler has returned, so a cached or refused call costs no timer.
import type { Link } from "#impl/runtime/handler.ts";

export interface DeadlineOptions {
  /** A caller's longer deadline is cut to this. Default in configuration: 24 h, the longest of the contract. */
  readonly maxDeadlineMs: number;
}

export function deadline({ maxDeadlineMs }: DeadlineOptions): Link {
  return (method, next) => {
    const ownMs = Math.min(method.policy.deadlineMs, maxDeadlineMs);
    return (call, input) => {
      const now = call.environment.clock.now();
      if (call.deadlineAt === Number.POSITIVE_INFINITY) call.deadlineAt = now + ownMs;
      else call.deadlineAt = Math.min(call.deadlineAt, now + maxDeadlineMs);
      const output = next(call, input);
      if (!(output instanceof Uint8Array)) call.armDeadline();
      return output;
    };
  };
}
