// Keeps up with a discovery: watches it, again after a pause when that fails, and asks it at once when connections break, but not often.
import { type CancelTimer, type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Discovery, Endpoint } from "./discovery.ts";

export interface EndpointWatch {
  /** Asks for the present endpoints, unless that was done a moment ago. */
  refresh(): void;
  stop(): void;
}

export interface EndpointWatchOptions {
  readonly discovery: Discovery;
  readonly clock: Clock;
  readonly onEndpoints: (endpoints: readonly Endpoint[]) => void;
  readonly onError: (error: unknown) => void;
}

const RETRY_MS = 1_000;
const REFRESH_EVERY_MS = 5_000;

export function watchEndpoints(options: EndpointWatchOptions): EndpointWatch {
  const { discovery, clock, onEndpoints, onError } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  let cancelRefresh: CancelTimer | undefined;

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        for await (const endpoints of discovery.watch(signal)) {
          if (signal.aborted) return;
          onEndpoints(endpoints);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        onError(error);
        await sleep(clock, RETRY_MS, signal).catch(() => {});
      }
    }
  };
  const ask = async (): Promise<void> => {
    try {
      const endpoints = await discovery.resolve(signal);
      if (!signal.aborted) onEndpoints(endpoints);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  };
  void follow();
  return {
    refresh() {
      if (cancelRefresh !== undefined || signal.aborted) return;
      cancelRefresh = clock.after(REFRESH_EVERY_MS, () => {
        cancelRefresh = undefined;
      });
      void ask();
    },
    stop() {
      stopped.abort();
      cancelRefresh?.();
    },
  };
}
