import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSink, hasFigure, isTrendStat } from "./sinks.ts";

const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 3_000 });
const percents = fc
  .double({ min: 0, max: 100, noNaN: true })
  .map((percent) => Math.round(percent * 100) / 100);

describe("a trend", () => {
  test("interpolates between the two samples around the rank, of all samples", () => {
    fc.assert(
      fc.property(samples, percents, (values, percent) => {
        const sink = createSink("trend");
        for (const value of values) sink.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        const rank = (percent / 100) * (sorted.length - 1);
        const [below = 0, above = 0] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
        expect(sink.figure(`p(${percent})`, 1)).toBeCloseTo(below + (above - below) * (rank % 1), 6);
      }),
    );
  });

  test("goes on after it was read", () => {
    const sink = createSink("trend");
    for (const value of [3, 1]) sink.add(value);
    expect(sink.figure("med", 1)).toBe(2);
    sink.add(0);
    expect(sink.values(["min", "med", "max", "avg", "count"], 1)).toEqual({
      min: 0,
      med: 1,
      max: 3,
      avg: 4 / 3,
      count: 3,
    });
  });

  test("without samples is zero everywhere", () => {
    expect(createSink("trend").values(["avg", "p(99)"], 1)).toEqual({ avg: 0, "p(99)": 0 });
  });
});

test("a counter has a rate a second, a gauge its last value, a rate the share that was not zero", () => {
  const [counter, gauge, rate] = [createSink("counter"), createSink("gauge"), createSink("rate")];
  for (const value of [2, 0, 4]) {
    counter.add(value);
    gauge.add(value);
    rate.add(value);
  }
  expect(counter.values([], 3)).toEqual({ count: 6, rate: 2 });
  expect(gauge.values([], 3)).toEqual({ value: 4, min: 0, max: 4 });
  expect(rate.values([], 3)).toEqual({ rate: 2 / 3, passes: 2, fails: 1 });
});

test.each([
  ["trend", "p(99.9)", true],
  ["trend", "p(101)", false],
  ["trend", "count", false],
  ["counter", "rate", true],
  ["gauge", "avg", false],
  ["rate", "rate", true],
] as const)("a threshold of a %s may ask for %s: %s", (type, figure, expected) => {
  expect(hasFigure(type, figure)).toBe(expected);
});

test("a summary may ask for the count of a trend", () => {
  expect(isTrendStat("count")).toBe(true);
});
