// Wakes work that waits: what was just committed in this process begins at once, and not with the next poll.
import { type CancelTimer, type Clock, MAX_TIMER_MS } from "#impl/runtime/clock.ts";

export interface WakeUp {
  /** Ends the wait under way, or the next one when there is none. */
  wake(): void;
  /** Resolves when it is woken, and after `ms` at the latest. One waiter at a time. */
  wait(ms: number): Promise<void>;
}

export function createWakeUp(clock: Clock): WakeUp {
  let called = false;
  let waiter: (() => void) | undefined;
  return {
    wake() {
      if (waiter === undefined) called = true;
      else waiter();
    },
    wait(ms) {
      if (called) {
        called = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        let cancel: CancelTimer = () => {};
        waiter = () => {
          waiter = undefined;
          cancel();
          resolve();
        };
        cancel = clock.after(Math.min(ms, MAX_TIMER_MS), waiter);
      });
    },
  };
}
