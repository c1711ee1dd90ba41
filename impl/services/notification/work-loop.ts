// Work that is done while there is some, and then waits to be woken or for the next poll, which finds what other processes queued and
// what has become due. A failure is logged and the work tried again.
import type { Logger } from "#impl/runtime/logger.ts";
import type { WakeUp } from "./wake-up.ts";

export interface WorkLoopOptions {
  readonly name: string;
  /** True when there may be more to do at once. */
  readonly step: (signal: AbortSignal) => Promise<boolean>;
  readonly wakeUp: WakeUp;
  readonly pollMs: number;
  readonly log: Logger;
}

export interface Stoppable {
  /** Aborts the step under way and resolves when it has ended. Safe to call twice. */
  stop(): Promise<void>;
}

export function startWorkLoop({ name, step, wakeUp, pollMs, log }: WorkLoopOptions): Stoppable {
  const stopped = new AbortController();
  const { signal } = stopped;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const more = await step(signal).catch((error: unknown) => {
        if (!signal.aborted)
          log.warn({ err: error, work: name }, "background work failed and will be tried again");
        return false;
      });
      if (!more && !signal.aborted) await wakeUp.wait(pollMs);
    }
  };
  const ended = run();
  return {
    stop() {
      stopped.abort();
      wakeUp.wake();
      return ended;
    },
  };
}
