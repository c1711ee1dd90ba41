import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rampSteps } from "./executors/looping-vus.ts";
import { isSaturated } from "./generator-watch.ts";
import { arrivalTimes } from "./rate-plan.ts";

const stage = fc.record({
  durationMs: fc.integer({ min: 1, max: 2_000 }),
  target: fc.integer({ min: 0, max: 60 }),
});
const plans = fc.record({
  startRate: fc.integer({ min: 0, max: 60 }),
  stages: fc.array(stage, { minLength: 1, maxLength: 4 }),
  timeUnitMs: fc.constantFrom(1_000, 60_000),
  constant: fc.constant(false),
});

describe("the times of an arrival rate", () => {
  test("of a constant one are tick by tick from the start", () => {
    const plan = {
      startRate: 4,
      stages: [{ durationMs: 1_000, target: 4 }],
      timeUnitMs: 1_000,
      constant: true,
    };
    expect([...arrivalTimes(plan)]).toEqual([0, 250, 500, 750]);
  });

  test("of a ramp ascend within it, and are as many as the area under the rate", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const times = [...arrivalTimes(plan)];
        let [from, area, end] = [plan.startRate / plan.timeUnitMs, 0, 0];
        for (const { durationMs, target } of plan.stages) {
          area += (durationMs * (from + target / plan.timeUnitMs)) / 2;
          from = target / plan.timeUnitMs;
          end += durationMs;
        }
        expect(Math.abs(times.length - Math.floor(area + 1e-9))).toBeLessThanOrEqual(1e-6);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        for (const time of times) {
          expect(time).toBeGreaterThanOrEqual(0);
          expect(time).toBeLessThanOrEqual(end);
        }
      }),
    );
  });
});

test("ramping users start and stop one by one, evenly", () => {
  const stages = [
    { durationMs: 100, target: 2 },
    { durationMs: 40, target: 2 },
    { durationMs: 60, target: 0 },
  ];
  expect(rampSteps(0, stages)).toEqual([
    { atMs: 50, vus: 1 },
    { atMs: 100, vus: 2 },
    { atMs: 170, vus: 1 },
    { atMs: 200, vus: 0 },
    { atMs: 200, vus: 0 },
  ]);
});

test.each([
  [2, 2, false],
  [10, 1, false],
  [10, 2, true],
])("a generator that was busy in %2$i of %1$i seconds is saturated: %3$s", (seconds, busy, expected) => {
  expect(isSaturated(seconds, busy)).toBe(expected);
});
