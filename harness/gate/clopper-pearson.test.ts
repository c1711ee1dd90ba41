import fc from "fast-check";
import { expect, it } from "vitest";
import { clopperPearson } from "./clopper-pearson.ts";

it("has the published bounds", () => {
  // The rule of three, and a textbook case.
  expect(clopperPearson(0, 299, 0.9).high).toBeCloseTo(0.00997, 4);
  expect(clopperPearson(59, 59, 0.9).low).toBeCloseTo(0.9505, 3);
  const { low, high } = clopperPearson(4, 20);
  expect(low).toBeCloseTo(0.0573, 4);
  expect(high).toBeCloseTo(0.4366, 4);
});

it("holds the share, and mirrors", () => {
  const counts = fc
    .integer({ min: 1, max: 400 })
    .chain((trials) => fc.tuple(fc.integer({ min: 0, max: trials }), fc.constant(trials)));
  fc.assert(
    fc.property(counts, ([successes, trials]) => {
      const { low, share, high } = clopperPearson(successes, trials);
      expect(low).toBeLessThanOrEqual(share);
      expect(high).toBeGreaterThanOrEqual(share);
      expect(clopperPearson(trials - successes, trials).high).toBeCloseTo(1 - low, 9);
    }),
    { seed: 4 },
  );
});

it("refuses counts that are none", () => {
  expect(() => clopperPearson(3, 2)).toThrow("successes");
  expect(() => clopperPearson(0, 0)).toThrow("trials");
});
