import { expect, test } from "vitest";
import { ConcurrencyLimit, usualTime } from "./concurrency-limit.ts";

const bounds = { min: 10, max: 200 };

const CAPACITY = 50;

/** A server that does 50 calls at once in 5 ms each, and more of them slower, for windows of 100 ms; gives the limit after each. */
function server(limit: ConcurrencyLimit) {
  const usual = usualTime();
  let now = 0;
  return (windows: number, offered: number, slower = 1): number[] =>
    Array.from({ length: windows }, () => {
      for (let i = 0; i < 50; i++) {
        now += 2.1;
        const inFlight = Math.min(offered, limit.limit);
        limit.sample(slower * 5 * Math.max(1, inFlight / CAPACITY), usual, inFlight, now);
      }
      return limit.limit;
    });
}

test("it goes to what the server does without long queues, and stays there however long the overload lasts", () => {
  const limit = new ConcurrencyLimit(bounds);
  const serve = server(limit);
  serve(50, 5);
  expect(limit.limit).toBe(100);
  const overloaded = serve(6_000, 10_000);
  // At the tolerance of twice the usual, 100 in flight on a capacity of 50, and some headroom.
  expect(Math.max(...overloaded)).toBeLessThan(125);
  expect(Math.min(...overloaded)).toBeGreaterThanOrEqual(CAPACITY);
});

test("it grows only as far as it is used", () => {
  const limit = new ConcurrencyLimit(bounds);
  const serve = server(limit);
  serve(100, 20);
  expect(limit.limit).toBe(100);
  const grown = serve(500, 60).at(-1);
  expect(grown).toBeGreaterThan(100);
  expect(grown).toBeLessThan(140);
});

test("a server that becomes slower for good is given less, and as much as it takes once that is the usual", () => {
  const limit = new ConcurrencyLimit(bounds);
  const serve = server(limit);
  serve(50, 45);
  const slow = serve(2_000, 60, 20);
  expect(Math.min(...slow)).toBe(bounds.min);
  expect(slow.at(-1)).toBeGreaterThanOrEqual(45);
});

test("methods of different lengths do not look like load, whatever their mix", () => {
  const limit = new ConcurrencyLimit(bounds);
  const [short, long] = [usualTime(), usualTime()];
  for (let i = 0; i < 2_000; i++) {
    const isLong = i > 1_000 ? i % 10 !== 0 : i % 10 === 0;
    limit.sample(isLong ? 500 : 1, isLong ? long : short, 30, i * 10);
  }
  expect(limit.limit).toBe(100);
});

test("one call that waited long for something else changes nothing", () => {
  const limit = new ConcurrencyLimit(bounds);
  const usual = usualTime();
  for (let i = 0; i < 1_000; i++) limit.sample(i % 100 === 50 ? 60_000 : 1, usual, 30, i * 10);
  expect(limit.limit).toBe(100);
});

test.each([
  [0, 10],
  [11, 10],
  [Number.NaN, 10],
])("bounds of %d to %d are refused", (min, max) => {
  expect(() => new ConcurrencyLimit({ min, max })).toThrow(RangeError);
});
