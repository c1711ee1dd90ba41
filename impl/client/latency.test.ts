import fc from "fast-check";
import { expect, test } from "vitest";
import { Latency } from "./latency.ts";
import { rampAt } from "./slow-start.ts";

test("the average stays between the samples, and fades when there are no more", () => {
  const samples = fc.array(fc.double({ min: 0.1, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(samples, (each) => {
      const latency = new Latency();
      for (const sample of each) latency.add(sample, 0);
      expect(latency.at(0)).toBeGreaterThanOrEqual(Math.min(...each) - 1e-9);
      expect(latency.at(0)).toBeLessThanOrEqual(Math.max(...each) + 1e-9);
      expect(latency.at(60_000)).toBeLessThan(latency.at(0) / 100);
    }),
  );
});

test("a call without an answer makes it no lower", () => {
  const latency = new Latency();
  latency.add(100, 0);
  latency.addAtLeast(1, 0);
  expect(latency.at(0)).toBe(100);
  latency.addAtLeast(200, 0);
  expect(latency.at(0)).toBeGreaterThan(100);
});

test("a new endpoint takes a tenth of its share at first, and all of it when its window is over", () => {
  expect([0, 500, 5_000, 10_000, 20_000].map((ageMs) => rampAt(ageMs, 10_000))).toEqual([
    0.1, 0.1, 0.5, 1, 1,
  ]);
  expect(rampAt(0, 0)).toBe(1);
});
