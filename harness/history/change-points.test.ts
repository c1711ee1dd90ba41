import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { changePoints } from "./change-points.ts";

function noise(seed: number, length: number): number[] {
  const random = seededRandom(seed);
  // Skewed, as latencies are.
  return Array.from({ length }, () => -Math.log(1 - random.next()));
}

test.each([12, 30])("of %i values without a change, one series in a hundred has one", (length) => {
  const series = 1000;
  let found = 0;
  for (let seed = 0; seed < series; seed++) {
    if (changePoints(noise(seed, length), { alpha: 0.01, permutations: 199, seed }).length > 0) found++;
  }
  // Of 1000 at 1 %: more than 19 has a chance of 0.3 %, fewer than 2 of 0.05 %.
  expect(found).toBeGreaterThanOrEqual(2);
  expect(found).toBeLessThanOrEqual(19);
});

test("a change is found where it is, and so is a second one inside", () => {
  const values = noise(7, 36).map((value, i) => value * 0.05 + (i < 12 ? 1 : i < 24 ? 1.5 : 1.2));
  expect(changePoints(values).map(({ index }) => index)).toEqual([12, 24]);
});

test("one outlier is no change, and neither is a series that is too short or does not vary", () => {
  const flat = Array.from({ length: 20 }, () => 5);
  expect(changePoints(flat)).toEqual([]);
  expect(changePoints(flat.with(9, 5000))).toEqual([]);
  expect(changePoints([1, 1, 9, 9, 9])).toEqual([]);
});

test("the same values give the same answer", () => {
  const values = noise(3, 24).map((value, i) => value + (i < 10 ? 0 : 2));
  expect(changePoints(values)).toEqual(changePoints(values));
});
