import fc from "fast-check";
import { expect, test } from "vitest";
import { Ejection, type EjectionOptions } from "./ejection.ts";

const options: EjectionOptions = {
  consecutiveFailures: 3,
  baseEjectionMs: 100,
  maxEjectionMs: 250,
  maxEjectionPercent: 50,
  intervalMs: 1_000,
  minEndpoints: 4,
  minCalls: 10,
  deviations: 1.5,
};

function ejectionOf(keys: readonly string[], over: Partial<EjectionOptions> = {}) {
  const ejection = new Ejection<string>({ ...options, ...over });
  for (const key of keys) ejection.add(key);
  return {
    ejection,
    fail: (key: string, times: number, now: number) => {
      for (let call = 0; call < times; call++) ejection.record(key, false, now);
    },
    ejected: (now: number) => keys.filter((key) => ejection.isEjected(key, now)),
  };
}

test("who fails so often in a row is left out for a time, longer each time it happens again", () => {
  const { fail, ejected } = ejectionOf(["a", "b"]);
  fail("a", 2, 0);
  expect(ejected(0)).toEqual([]);
  fail("a", 1, 0);
  expect([ejected(99), ejected(100)]).toEqual([["a"], []]);
  fail("a", 3, 100);
  expect([ejected(299), ejected(300)]).toEqual([["a"], []]);
  fail("a", 3, 300);
  expect([ejected(549), ejected(550)]).toEqual([["a"], []]);
});

test("who is back gets calls again, and is left out for longer when it fails again", () => {
  const { ejection, fail, ejected } = ejectionOf(["a", "b"]);
  fail("a", 3, 0);
  ejection.readmit("a");
  expect(ejected(1)).toEqual([]);
  fail("a", 3, 1);
  expect([ejected(200), ejected(201)]).toEqual([["a"], []]);
});

test("a success between begins anew", () => {
  const { ejection, fail, ejected } = ejectionOf(["a", "b"]);
  fail("a", 2, 0);
  ejection.record("a", true, 0);
  fail("a", 2, 0);
  expect(ejected(0)).toEqual([]);
});

test("the only endpoint is never left out", () => {
  const { fail, ejected } = ejectionOf(["a"]);
  fail("a", 100, 0);
  expect(ejected(0)).toEqual([]);
});

test("whose calls succeed much less often than those of others is left out", () => {
  const keys = ["a", "b", "c", "d", "e"];
  const { ejection, ejected } = ejectionOf(keys, { consecutiveFailures: 1_000 });
  for (let call = 0; call < 20; call++) {
    for (const key of keys) ejection.record(key, key !== "c" || call % 2 === 0, 0);
  }
  expect(ejected(0)).toEqual([]);
  ejection.record("a", true, 1_000);
  expect(ejected(1_000)).toEqual(["c"]);
});

test("rates of too few endpoints or calls are not compared", () => {
  const few = ejectionOf(["a", "b", "c"], { consecutiveFailures: 1_000 });
  for (let call = 0; call < 50; call++) few.fail("a", 1, 0);
  few.ejection.record("b", true, 1_000);
  expect(few.ejected(1_000)).toEqual([]);
});

test("whatever fails: never more than the share that may be, and everyone comes back", () => {
  const size = fc.integer({ min: 1, max: 8 });
  const percent = fc.integer({ min: 0, max: 100 });
  const calls = fc.array(fc.tuple(fc.nat(7), fc.boolean(), fc.nat(60)), { maxLength: 300 });
  fc.assert(
    fc.property(size, percent, calls, (count, maxEjectionPercent, walk) => {
      const keys = Array.from({ length: count }, (_, index) => `${index}`);
      const { ejection, ejected } = ejectionOf(keys, { maxEjectionPercent, minCalls: 3, intervalMs: 200 });
      let now = 0;
      for (const [index, succeeded, afterMs] of walk) {
        now += afterMs;
        ejection.record(`${index % count}`, succeeded, now);
        expect(ejected(now).length).toBeLessThanOrEqual((count * maxEjectionPercent) / 100);
      }
      expect(ejected(now + options.maxEjectionMs)).toEqual([]);
    }),
  );
});
