import { expect, it } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { resampleGates } from "./resample.ts";

const random = seededRandom(1);
/** Three metrics, eight restarts of ten slices, quiet and without a difference. */
const stored = [0, 1, 2].map(() =>
  Array.from({ length: 8 }, () => {
    const centre = 0.02 * (random.next() - 0.5);
    return Array.from({ length: 10 }, () => centre + 0.1 * (random.next() - 0.5));
  }),
);
const options = { stored, restarts: 12, gates: 300 };

it("finds few false alarms in identical builds, and a planted change", () => {
  const same = resampleGates({ ...options, shift: [0, 0, 0] }, seededRandom(2));
  expect(same.counts.FAIL).toBeLessThanOrEqual(6);
  expect(same.fail.low).toBeLessThanOrEqual(0.01);
  const worse = resampleGates({ ...options, shift: [0, Math.log(1.1), 0] }, seededRandom(2));
  expect(worse.fail.share).toBeGreaterThan(0.95);
  expect(worse.counts.PASS).toBe(0);
});

it("is given by its seed, and every gate has an outcome", () => {
  const rates = resampleGates({ ...options, shift: [0.03, 0, 0] }, seededRandom(3));
  expect(resampleGates({ ...options, shift: [0.03, 0, 0] }, seededRandom(3))).toEqual(rates);
  expect(rates.counts.PASS + rates.counts.FAIL + rates.counts.INCONCLUSIVE).toBe(300);
});

it("refuses a single restart, which cannot be resampled", () => {
  expect(() => resampleGates({ ...options, stored: [[[0.1]]], shift: [0] }, random)).toThrow(RangeError);
});
