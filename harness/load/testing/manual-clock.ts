// A clock that moves only when told, and a driver whose answers come when told: the engines' logic without waiting.

import type { Driver } from "../driver.ts";
import type { LoadClock } from "../load-clock.ts";

export interface ManualClock extends LoadClock {
  /** Runs everything due in the next `ms`, each at its own time. */
  advance(ms: number): void;
  /** Time passes and nothing runs, as in a process that is stopped. */
  freeze(ms: number): void;
}

interface Task {
  readonly atMicros: number;
  readonly run: () => void;
}

const turnMicros = 100;

/** Asleep but for frozen time and turns of its event loop. */
export function manualClock(): ManualClock {
  let now = 0;
  let active = 0;
  let tasks: Task[] = [];
  const add = (micros: number, run: () => void) => {
    const task = { atMicros: now + micros, run };
    tasks.push(task);
    return () => {
      tasks = tasks.filter((other) => other !== task);
    };
  };
  const runNext = (untilMicros: number): boolean => {
    const next = tasks.reduce<Task | undefined>((a, b) => (a && a.atMicros <= b.atMicros ? a : b), undefined);
    if (next === undefined || next.atMicros > untilMicros) return false;
    tasks = tasks.filter((task) => task !== next);
    now = Math.max(now, next.atMicros);
    next.run();
    return true;
  };
  return {
    nowMicros: () => now,
    epochMs: () => now / 1000,
    soon: (task) =>
      void add(turnMicros, () => {
        active += turnMicros;
        task();
      }),
    after: (ms, task) => add(ms * 1000, task),
    cpuMicros: () => now,
    activeMicros: () => active,
    advance: (ms) => {
      const until = now + ms * 1000;
      while (runNext(until));
      now = Math.max(now, until);
    },
    freeze: (ms) => {
      now += ms * 1000;
      active += ms * 1000;
    },
  };
}

/** Answers each call after `answerMs`, or never when that is undefined; counts 100 bytes out and 200 back a call. */
export function manualDriver(
  clock: LoadClock,
  answer: (request: number) => { ms: number; status: number } | undefined,
): Driver<number> & { readonly sent: number[]; readonly open: () => number } {
  const sent: number[] = [];
  let answered = 0;
  return {
    sent,
    open: () => sent.length - answered,
    send: (request, onDone) => {
      sent.push(request);
      const reply = answer(request);
      if (reply === undefined) return;
      clock.after(reply.ms, () => {
        answered++;
        onDone(reply.status);
      });
    },
    wireBytes: () => ({ sent: sent.length * 100, received: answered * 200 }),
  };
}
