import fc from "fast-check";
import { expect, test } from "vitest";
import { Histogram, longestMicros } from "./histogram.ts";
import { type Latency, mergeLatencies, noLatency, percentileMicros } from "./latency.ts";

const times = fc.array(fc.integer({ min: 1, max: longestMicros }), { minLength: 1, maxLength: 200 });

test("a percentile is within a thousandth of the value of that rank among the times recorded", () => {
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 100, noNaN: true }), (values, percent) => {
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil((percent / 100) * values.length)) - 1] ?? 0;
      const estimate = percentileMicros(recorded(values), percent) ?? 0;
      expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(exact / 1000);
    }),
  );
});

test("merged distributions are those of all times recorded together", () => {
  fc.assert(
    fc.property(times, times, (left, right) => {
      const merged = mergeLatencies([recorded(left), noLatency, recorded(right)]);
      const together = recorded([...left, ...right]);
      expect(merged.buckets).toEqual(together.buckets);
      expect(merged.count).toBe(together.count);
      expect([merged.minMicros, merged.maxMicros]).toEqual([together.minMicros, together.maxMicros]);
      expect(merged.meanMicros).toBeCloseTo(together.meanMicros, 3);
    }),
  );
});

test("a distribution survives JSON unchanged", () => {
  const latency = recorded([1, 5, 70_000]);
  expect(JSON.parse(JSON.stringify(latency))).toEqual(latency);
});

test("times out of range are counted at its ends, never lost", () => {
  const latency = recorded([-3, 0.2, longestMicros * 2]);
  expect(latency.count).toBe(3);
  expect([latency.minMicros, latency.maxMicros]).toEqual([1, longestMicros]);
});

test("nothing recorded has no percentile", () => {
  expect(percentileMicros(new Histogram().snapshot(), 99)).toBeNull();
  expect(mergeLatencies([])).toEqual(noLatency);
});

function recorded(values: readonly number[]): Latency {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram.snapshot();
}
