import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { constantArrivals, poissonArrivals } from "./arrivals.ts";

const options = fc.record({
  ratePerSecond: fc.integer({ min: 1, max: 5000 }),
  durationMs: fc.integer({ min: 1, max: 2000 }),
  arms: fc.integer({ min: 1, max: 4 }),
});

test("a plan is ascending, inside its duration, routed to known arms, and the same for the same seed", () => {
  fc.assert(
    fc.property(
      options,
      fc.integer(),
      fc.constantFrom(poissonArrivals, constantArrivals),
      (asked, seed, make) => {
        const plan = make(asked, seededRandom(seed));
        expect(plan.arm).toHaveLength(plan.atMicros.length);
        let before = 0;
        for (const at of plan.atMicros) {
          expect(at).toBeGreaterThanOrEqual(before);
          before = at;
        }
        expect(before).toBeLessThan(plan.durationMicros);
        expect(Math.max(0, ...plan.arm)).toBeLessThan(asked.arms);
        expect(make(asked, seededRandom(seed))).toEqual(plan);
      },
    ),
    { numRuns: 40 },
  );
});

test("a constant arrival that would fall on the end of the plan is left out", () => {
  // 2.5 gaps of 2 ms: the third arrival would be at exactly 5 ms.
  const { atMicros } = constantArrivals({ ratePerSecond: 500, durationMs: 5 }, seededRandom(1));
  expect(Array.from(atMicros)).toEqual([1000, 3000]);
});

test("Poisson gaps are exponential: mean and standard deviation are the same, and the rate is kept", () => {
  const { atMicros } = poissonArrivals({ ratePerSecond: 1000, durationMs: 100_000 }, seededRandom(3));
  const gaps = Array.from(atMicros, (at, i) => at - (atMicros[i - 1] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  expect(mean).toBeCloseTo(1000, -2);
  expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
});

test("the coin gives each arm its share, and routing does not change when calls are sent", () => {
  const asked = { ratePerSecond: 1000, durationMs: 20_000 };
  const one = poissonArrivals(asked, seededRandom(5));
  const two = poissonArrivals({ ...asked, arms: 2 }, seededRandom(5));
  expect(two.atMicros).toEqual(one.atMicros);
  const share = two.arm.reduce((sum, arm) => sum + arm, 0) / two.arm.length;
  expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
});

test("a rate of nothing is refused with its value", () => {
  expect(() => poissonArrivals({ ratePerSecond: 0, durationMs: 1 }, seededRandom(1))).toThrow(
    /above 0, got 0/,
  );
});
