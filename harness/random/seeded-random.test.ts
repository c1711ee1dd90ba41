import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "./seeded-random.ts";

const seeds = fc.integer({ min: -(2 ** 40), max: 2 ** 40 });

test("one seed gives one sequence, and neighbouring seeds have nothing in common", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(draws(seed, 20)).toEqual(draws(seed, 20));
      const other = new Set(draws(seed + 1, 20));
      expect(draws(seed, 20).filter((value) => other.has(value))).toEqual([]);
    }),
  );
});

test("numbers are uniform in [0, 1), for every seed", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const values = draws(seed, 4000);
      expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
      const tenths = new Array<number>(10).fill(0);
      for (const value of values) tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
      // 400 expected in each, standard deviation 19: eight of them is beyond any seed that will ever be tried.
      for (const count of tenths) expect(Math.abs(count - 400)).toBeLessThan(152);
    }),
    { numRuns: 50 },
  );
});

test("a fork depends on the seed and its name, not on what was drawn before", () => {
  const drawn = seededRandom(1);
  drawn.next();
  expect(drawn.fork("a").next()).toBe(seededRandom(1).fork("a").next());
  expect(seededRandom(1).fork("a").next()).not.toBe(seededRandom(1).fork("b").next());
  expect(seededRandom(1).fork("a").next()).not.toBe(seededRandom(2).fork("a").next());
});

test("shuffling keeps every item", () => {
  fc.assert(
    fc.property(seeds, fc.array(fc.integer()), (seed, items) => {
      const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
      expect(sorted(seededRandom(seed).shuffled(items))).toEqual(sorted(items));
    }),
  );
});

test("a seed that is no whole number is refused with its value", () => {
  expect(() => seededRandom(0.5)).toThrow(/seed.*0\.5/);
});

function draws(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
}
