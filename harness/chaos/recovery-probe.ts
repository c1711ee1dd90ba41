// Someone who asks the shop the same easy question all the time, to tell how long it takes to come back.

import { setTimeout as sleep } from "node:timers/promises";

export interface RecoveryProbe {
  /** Milliseconds from now to the first question asked from now on that is answered. Undefined when the probe is stopped before. */
  recovery(): Promise<number | undefined>;
  /** Questions until now, and how many were answered. */
  readonly asked: number;
  readonly answered: number;
  stop(): Promise<void>;
}

interface Waiting {
  readonly sinceMs: number;
  readonly resolve: (ms: number | undefined) => void;
}

const PAUSE_MS = 50;

/** `ask` rejects without an answer; it gives up by itself. */
export function startRecoveryProbe(ask: (signal: AbortSignal) => Promise<unknown>): RecoveryProbe {
  const stopping = new AbortController();
  const waiting = new Set<Waiting>();
  const count = { asked: 0, answered: 0 };
  const probing = (async () => {
    while (!stopping.signal.aborted) {
      const askedMs = performance.now();
      const answered = await ask(stopping.signal).then(
        () => true,
        () => false,
      );
      if (stopping.signal.aborted) return;
      count.asked++;
      if (answered) {
        count.answered++;
        const nowMs = performance.now();
        for (const each of [...waiting].filter(({ sinceMs }) => sinceMs <= askedMs)) {
          waiting.delete(each);
          each.resolve(nowMs - each.sinceMs);
        }
      }
      await sleep(PAUSE_MS);
    }
  })();
  return {
    recovery() {
      const { promise, resolve } = Promise.withResolvers<number | undefined>();
      waiting.add({ sinceMs: performance.now(), resolve });
      return promise;
    },
    get asked() {
      return count.asked;
    },
    get answered() {
      return count.answered;
    },
    async stop() {
      stopping.abort();
      await probing;
      for (const { resolve } of waiting) resolve(undefined);
    },
  };
}
