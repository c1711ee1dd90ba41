// Work that is done again and again in the background: one run at a time, the next a pause after the last one ended, failures logged.
import { type Clock, sleep } from "./clock.ts";
import type { Logger } from "./logger.ts";

export interface Repeated {
  /** Aborts the run under way and resolves when it has ended. Safe to call twice. */
  stop(): Promise<void>;
}

/** The first run comes after one pause. */
export function repeat(
  name: string,
  everyMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
  { clock, log }: { readonly clock: Clock; readonly log: Logger },
): Repeated {
  const stopped = new AbortController();
  const { signal } = stopped;
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await sleep(clock, everyMs, signal);
        await work(signal);
      } catch (error) {
        if (!signal.aborted)
          log.warn({ err: error, work: name }, "background work failed and will be tried again");
      }
    }
  };
  const ended = loop();
  return {
    stop() {
      stopped.abort();
      return ended;
    },
  };
}
