// The workers of a process: they take sagas that are due, keep their leases alive while they work, and let go of what must wait. Any
// number of processes may run them; a saga is in one hand at a time, and after a crash in another's once its lease is over.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { repeat } from "#impl/runtime/repeat.ts";
import type { Order } from "../order.ts";
import {
  LeaseLost,
  NotYet,
  Overtaken,
  type Saga,
  type SagaKind,
  type SagaRun,
  type SagaTask,
} from "./saga.ts";
import { pauseAfter, type SagaLimits } from "./saga-limits.ts";
import type { SagaStore } from "./saga-store.ts";

export interface SagaWorkersOptions {
  readonly store: SagaStore;
  /** What each kind of saga is run by: returns when its row is gone. */
  readonly handlers: Readonly<Record<SagaKind, (run: SagaRun) => Promise<void>>>;
  readonly limits: SagaLimits;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface SagaWorkers {
  /** Begins to work. */
  start(): void;
  /** Aborts what runs, lets go of it for others to take at once, and resolves when that is done. Safe to call twice. */
  stop(): Promise<void>;
  /** Room for a saga that is about to be stored in our hands; undefined when there is none, or no work is done here. */
  slot(): Slot | undefined;
  /** Says that there may be work for anybody. Never throws. */
  wake(): void;
  stats(): SagaStats;
}

export interface Slot {
  /** Works at it at once. Resolves when that is over, whatever came of it. To be called after the commit. */
  run(saga: Saga, order: Order): Promise<void>;
  /** Gives the room back, unless it was used. */
  free(): void;
}

/** Counts since the start, but for `running`. */
export interface SagaStats {
  readonly running: number;
  readonly ended: number;
  /** Steps that must be run again. */
  readonly postponed: number;
  /** Of these the ones that have failed so often that somebody should look. */
  readonly alarms: number;
}

export function createSagaWorkers(options: SagaWorkersOptions): SagaWorkers {
  const { store, handlers, limits, clock, random, log } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  const running = new Map<string, Promise<void>>();
  const takenAgain = new Set<string>();
  const stats = { ended: 0, postponed: 0, alarms: 0 };
  const claimable = Math.max(1, limits.concurrency - Math.floor(limits.concurrency / 4));
  let promised = 0;
  let state: "idle" | "started" | "stopped" = "idle";
  let claiming: Promise<void> | undefined;
  let claimAgain = false;
  // Whether the last look found all that there was.
  let exhausted = true;

  const work = async (task: SagaTask): Promise<void> => {
    const run: SagaRun = { task, signal };
    try {
      for (;;) {
        try {
          await handlers[task.saga.kind](run);
          stats.ended += 1;
          return;
        } catch (error) {
          if (!(error instanceof Overtaken)) throw error;
          run.task = await store.reload(task.saga.sagaId);
        }
      }
    } catch (error) {
      if (!signal.aborted && !(error instanceof LeaseLost)) await postpone(run.task.saga, error);
    }
  };

  const postpone = async (saga: Saga, error: unknown): Promise<void> => {
    const attempts = saga.attempts + 1;
    const pauseMs = pauseAfter(attempts, random(), limits);
    const alarm = attempts >= limits.alarmAttempts && !(error instanceof NotYet);
    stats.postponed += 1;
    if (alarm) stats.alarms += 1;
    const fields = {
      err: error,
      sagaId: saga.sagaId,
      orderId: saga.orderId,
      step: saga.step,
      undoing: saga.undoing,
      attempts,
      pauseMs,
    };
    log[alarm ? "error" : "warn"](fields, "a saga must wait");
    try {
      await store.postpone(saga, attempts, pauseMs);
      clock.after(pauseMs, wake);
    } catch (cause) {
      // It is free again when its lease is over.
      log.warn({ err: cause, sagaId: saga.sagaId }, "a saga could not be put aside");
    }
  };

  const workUntilLetGo = async (task: SagaTask): Promise<void> => {
    const { sagaId } = task.saga;
    try {
      await work(task);
      while (!signal.aborted && takenAgain.delete(sagaId)) {
        const again = await takenTask(sagaId);
        if (again !== undefined) await work(again);
      }
    } finally {
      takenAgain.delete(sagaId);
      running.delete(sagaId);
      // Not for every one that ends: claims are cheaper by the handful.
      if (!exhausted && running.size <= claimable / 2) wake();
    }
  };

  /** Undefined when it is not in our hands after all. */
  const takenTask = async (sagaId: string): Promise<SagaTask | undefined> => {
    try {
      return await store.reload(sagaId);
    } catch (error) {
      // It is free again when its lease is over.
      if (!(error instanceof LeaseLost)) log.warn({ err: error, sagaId }, "a saga could not be read");
      return undefined;
    }
  };

  const begin = (task: SagaTask): Promise<void> => {
    const { sagaId } = task.saga;
    const known = running.get(sagaId);
    if (known !== undefined) {
      // Taken from ourselves: our lease had run out, or we have just let go of it and do not know that yet.
      takenAgain.add(sagaId);
      return known;
    }
    const ended = workUntilLetGo(task);
    running.set(sagaId, ended);
    return ended;
  };

  const claim = async (): Promise<void> => {
    do {
      claimAgain = false;
      const room = claimable - running.size - promised;
      if (room <= 0) {
        exhausted = false;
        return;
      }
      const tasks = await store.claim(room);
      exhausted = tasks.length < room;
      for (const task of tasks) void begin(task);
    } while (claimAgain && !signal.aborted);
  };

  const wake = (): void => {
    claimAgain = true;
    if (state !== "started") return;
    claiming ??= claim()
      .catch((error: unknown) => log.warn({ err: error }, "sagas could not be claimed"))
      .finally(() => {
        claiming = undefined;
      });
  };

  let background: ReadonlyArray<{ stop(): Promise<void> }> = [];
  return {
    start() {
      if (state !== "idle") return;
      state = "started";
      background = [
        repeat("claim sagas", limits.pollMs, async () => wake(), { clock, log }),
        repeat(
          "renew the leases of sagas",
          Math.ceil(limits.leaseMs / 3),
          async () => {
            if (running.size > 0) await store.renew([...running.keys()]);
          },
          { clock, log },
        ),
      ];
      wake();
    },
    async stop() {
      if (state === "stopped") return;
      const wasStarted = state === "started";
      state = "stopped";
      stopped.abort(new Error("the workers were stopped"));
      await Promise.all([...background.map((each) => each.stop()), claiming]);
      await Promise.all(running.values());
      if (!wasStarted) return;
      await store
        .releaseAll()
        .catch((error: unknown) => log.warn({ err: error }, "sagas are free when their leases are over"));
    },
    slot() {
      if (state !== "started" || running.size + promised >= limits.concurrency) return undefined;
      promised += 1;
      let used = false;
      const free = (): void => {
        if (!used) promised -= 1;
        used = true;
      };
      return {
        free,
        run(saga, order) {
          free();
          return begin({ saga, order });
        },
      };
    },
    wake,
    stats: () => ({ ...stats, running: running.size }),
  };
}
