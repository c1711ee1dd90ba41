import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { weightedChoice } from "./weighted-choice.ts";
import { fitZipf, hottestShare, zipfWeights } from "./zipf.ts";

test("what is drawn is as frequent as its weight says, for every weighting", () => {
  const weightings = fc
    .array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 8 })
    .filter((weights) => weights.some((weight) => weight > 0));
  fc.assert(
    fc.property(weightings, fc.integer(), (weights, seed) => {
      const random = seededRandom(seed);
      const choose = weightedChoice(weights);
      const counts = new Array<number>(weights.length).fill(0);
      const draws = 4000;
      for (let i = 0; i < draws; i++) {
        const index = choose(random);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        const share = weight / total;
        // Eight standard deviations.
        const tolerance = 8 * Math.sqrt((share * (1 - share)) / draws);
        expect(Math.abs((counts[index] ?? 0) / draws - share)).toBeLessThanOrEqual(tolerance);
      }
    }),
    { numRuns: 40 },
  );
});

test("drawing from Zipf weights gives counts that fit the same exponent", () => {
  for (const s of [0.5, 0.95, 1.3]) {
    const random = seededRandom(11);
    const choose = weightedChoice(zipfWeights(300, s));
    const counts = new Array<number>(300).fill(0);
    for (let i = 0; i < 60_000; i++) {
      const index = choose(random);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    expect(Math.abs(fitZipf(counts) - s)).toBeLessThan(0.06);
  }
});

test("without skew everything is wanted alike, and the hottest tenth has a tenth", () => {
  expect(zipfWeights(4, 0)).toEqual([1, 1, 1, 1]);
  expect(hottestShare(zipfWeights(100, 0), 0.1)).toBeCloseTo(0.1);
  expect(hottestShare([1, 97, 1, 1], 0.25)).toBeCloseTo(0.97);
  expect(fitZipf([5, 5, 5, 5])).toBeCloseTo(0, 3);
});

test("weights and exponents that are none are refused with their value", () => {
  expect(() => weightedChoice([1, -2])).toThrow(/weight 1.*got -2/);
  expect(() => weightedChoice([0, 0])).toThrow(/at least one of 2/);
  expect(() => zipfWeights(0, 1)).toThrow(/got 0/);
  expect(() => zipfWeights(3, -1)).toThrow(/got -1/);
});
