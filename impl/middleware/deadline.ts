// Every call gets a deadline: its caller's, else its policy's, and none longer than the server allows. A call that is out of time already
// goes no further. The timer is set only for a call that goes on after its handler has returned, so a cached or refused call costs none.
import { deadlineExceeded } from "#impl/runtime/call.ts";
import { isPromise, isStream, type Link } from "#impl/runtime/handler.ts";

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
      if (call.deadlineAt <= now) throw deadlineExceeded();
      const output = next(call, input);
      if (isPromise(output) || isStream(output)) call.armDeadline();
      return output;
    };
  };
}
