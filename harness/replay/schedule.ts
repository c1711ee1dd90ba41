// When each order of a trace is due, and how late it was begun: at a speed the orders are as far apart as in the trace divided by it, at
// full speed all are due at once.

import { setTimeout as sleep } from "node:timers/promises";
import type { Trace, TraceOrder } from "./trace.ts";

export interface ScheduleOptions {
  readonly trace: Trace;
  /** How many times faster than the trace; undefined is as fast as it goes. */
  readonly speed: number | undefined;
  readonly signal: AbortSignal;
}

export interface Schedule {
  /** After the first order of the trace. */
  dueMs(order: TraceOrder): number;
  /** Resolves when the order is due. */
  until(order: TraceOrder): Promise<void>;
  /** As `until`; the order is begun now, and its lateness noted. */
  due(order: TraceOrder): Promise<void>;
  readonly latenessMs: readonly number[];
}

/** A timer of Node that is set to more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Begins now. */
export function scheduleOf({ trace, speed, signal }: ScheduleOptions): Schedule {
  const began = performance.now();
  const first = Math.min(...trace.orders.map(({ placedTime }) => placedTime.getTime()));
  const latenessMs: number[] = [];
  const dueMs = ({ placedTime }: TraceOrder): number =>
    speed === undefined ? 0 : (placedTime.getTime() - first) / speed;
  const until = async (order: TraceOrder): Promise<void> => {
    const leftMs = (): number => dueMs(order) - (performance.now() - began);
    for (let left = leftMs(); left > 0; left = leftMs()) {
      await sleep(Math.min(left, LONGEST_TIMER_MS), undefined, { signal });
    }
  };
  return {
    dueMs,
    until,
    async due(order) {
      await until(order);
      if (speed !== undefined) latenessMs.push(performance.now() - began - dueMs(order));
    },
    latenessMs,
  };
}

/** The time from the first order of a trace to its last. */
export function spanSeconds({ orders }: Trace): number {
  const times = orders.map(({ placedTime }) => placedTime.getTime());
  return times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1000;
}
