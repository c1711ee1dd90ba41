import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { analyseBlocks } from "./block-contrasts.ts";

const finite = fc.double({ min: -3, max: 3, noNaN: true });

test("effects that add in logarithms are found exactly, whatever the blocks are like", () => {
  fc.assert(
    fc.property(
      fc.tuple(finite, finite, finite, finite),
      fc.array(finite, { minLength: 2 }),
      (on, shifts) => {
        const cell = (c: number) => on.reduce((sum, effect, bit) => sum + ((c >> bit) & 1 ? effect : 0), 1);
        const blocks = shifts.map((shift) => Array.from({ length: 16 }, (_, c) => cell(c) + shift));
        const found = analyseBlocks(blocks, 0.95)?.contrasts ?? [];
        expect(found).toHaveLength(15);
        for (const { mask, estimate } of found) {
          const bit = Math.log2(mask);
          expect(estimate).toBeCloseTo(Number.isInteger(bit) ? (on[bit] ?? Number.NaN) : 0, 9);
        }
      },
    ),
  );
});

test("its intervals hold the truth as often as they say", () => {
  const random = seededRandom(11);
  const noise = () => (random.next() + random.next() + random.next() + random.next() - 2) * 0.2;
  const truth = 0.1;
  let held = 0;
  let seen = 0;
  const runs = 400;
  for (let run = 0; run < runs; run++) {
    const blocks = [0, 1, 2].map((shift) =>
      Array.from({ length: 16 }, (_, c) => shift + (c & 1) * truth + noise()),
    );
    const [main, nothing] = analyseBlocks(blocks, 0.95)?.contrasts ?? [];
    if (main && main.low <= truth && truth <= main.high) held++;
    if (nothing && nothing.p < 0.05) seen++;
  }
  expect(held / runs).toBeGreaterThan(0.92);
  expect(held / runs).toBeLessThan(0.98);
  expect(seen / runs).toBeLessThan(0.08);
});

test("the error of a contrast is that of a difference of means, computed by hand", () => {
  const analysis = analyseBlocks(
    [
      [0, 1],
      [0, 3],
    ],
    0.95,
  );
  // Differences 1 and 3: mean 2, standard deviation √2, so the error of their mean is 1.
  expect(analysis?.contrasts[0]).toMatchObject({ estimate: 2, standardError: expect.closeTo(1, 12) });
  expect(analysis?.degrees).toBe(1);
});

test("one block has no error, and blocks of different sizes are refused", () => {
  expect(analyseBlocks([[1, 2]], 0.95)).toBeUndefined();
  expect(() => analyseBlocks([[1, 2], [1]], 0.95)).toThrow(/2 cells/);
});
