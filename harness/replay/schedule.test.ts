import { expect, test } from "vitest";
import { scheduleOf, spanSeconds } from "./schedule.ts";
import type { Trace, TraceOrder } from "./trace.ts";

const START = Date.UTC(2010, 11, 1, 8, 26);
const at = (seconds: number): TraceOrder => ({
  invoice: String(seconds),
  customerId: undefined,
  placedTime: new Date(START + seconds * 1000),
  lines: [],
});
const [first, second, last] = [at(0), at(60), at(600)];
const trace: Trace = {
  days: [],
  rows: 3,
  invoices: 3,
  orders: [second, first, last],
  refunds: [],
  rejected: {},
};
const { signal } = new AbortController();

test("orders are as far apart as in the trace, divided by the speed", () => {
  const schedule = scheduleOf({ trace, speed: 100, signal });
  expect([first, second, last].map(schedule.dueMs)).toEqual([0, 600, 6000]);
  expect(spanSeconds(trace)).toBe(600);
});

test("an order begins when it is due and not before, and its lateness is known", async () => {
  const schedule = scheduleOf({ trace, speed: 6_000, signal });
  const began = performance.now();
  await schedule.due(second);
  expect(performance.now() - began).toBeGreaterThan(9);
  expect(schedule.latenessMs).toHaveLength(1);
  const [late = -1] = schedule.latenessMs;
  expect(late).toBeGreaterThanOrEqual(0);
});

test("at full speed every order is due at once, and none is late", async () => {
  const schedule = scheduleOf({ trace, speed: undefined, signal });
  for (const order of [last, first]) await schedule.due(order);
  expect(schedule.latenessMs).toEqual([]);
});

test("whoever waits is let go when the run is given up", async () => {
  const given = new AbortController();
  const waiting = scheduleOf({ trace, speed: 0.000_001, signal: given.signal }).due(last);
  given.abort();
  await expect(waiting).rejects.toThrow();
});
