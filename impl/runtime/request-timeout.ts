// Ends calls whose one request does not arrive. Until it has, no link of the chain has seen the call, so nothing else limits how long its
// caller may keep it open. One timer for all calls, and none while no request is awaited: an ordinary call costs nothing.
import type { Call } from "./call.ts";
import type { Clock } from "./clock.ts";

export interface RequestTimeout {
  /** To be told of every call that awaits its request. */
  watch(): void;
  stop(): void;
}

/** A call is ended between one and two timeouts after its start. */
export function createRequestTimeout(open: Iterable<Call>, clock: Clock, timeoutMs: number): RequestTimeout {
  let cancel: (() => void) | undefined;
  const sweep = (): void => {
    cancel = undefined;
    const latest = clock.monotonic() - timeoutMs;
    for (const call of open) {
      if (!call.awaitsRequest) continue;
      if (call.startedAt <= latest) call.expire();
      else watch();
    }
  };
  const watch = (): void => {
    cancel ??= clock.after(timeoutMs, sweep);
  };
  return { watch, stop: () => cancel?.() };
}
