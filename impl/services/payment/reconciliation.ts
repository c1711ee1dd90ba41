// Reconciliation in the background, in any number of processes at once: a round every so often, at once again while there is work, and soon
// after an outcome was found to be unknown in this process.
import { sleep } from "#impl/runtime/clock.ts";
import { createReconciler, type ReconcilerOptions } from "./reconciler.ts";

export interface ReconciliationOptions extends ReconcilerOptions {
  /** How often it looks for what other processes left behind. Default 1 s. */
  readonly pollMs?: number;
}

export interface Reconciliation {
  /** Asks about a pending transaction after the first pause, whatever its lease. */
  soon(transactionId: string): void;
  /** Looks for what is due now. */
  wake(): void;
  /** Aborts the round under way and resolves when it has ended. Safe to call twice. */
  stop(): Promise<void>;
}

export function startReconciliation(options: ReconciliationOptions): Reconciliation {
  const { clock, log, pollMs = 1_000 } = options;
  const reconciler = createReconciler(options);
  const stopped = new AbortController();
  const { signal } = stopped;
  const early = new Set<string>();
  let awake = new AbortController();
  const wake = (): void => awake.abort();

  const round = async (): Promise<number> => {
    const ids = [...early];
    early.clear();
    return reconciler.round(ids, signal);
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        if ((await round()) > 0) continue;
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "reconciliation of payments will be tried again");
      }
      // Woken or stopped, it goes on alike.
      await sleep(clock, pollMs, AbortSignal.any([signal, awake.signal])).catch(() => {});
      awake = new AbortController();
    }
  };
  const ended = loop();
  return {
    soon(transactionId) {
      clock.after(reconciler.firstPauseMs, () => {
        early.add(transactionId);
        wake();
      });
    },
    wake,
    stop() {
      stopped.abort();
      return ended;
    },
  };
}
