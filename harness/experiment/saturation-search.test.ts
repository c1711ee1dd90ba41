import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { type RateTrial, searchSaturation } from "./saturation-search.ts";

const limits = { p99Ms: 50 };
const generatorLimit = 400_000;

/** A queue whose p99 meets the limit at `capacity` and grows without bound beyond. */
function systemOf(capacity: number, noise = () => 1) {
  return async (rate: number): Promise<RateTrial> => ({
    rate,
    p99Ms: 50 * (rate / capacity) ** 4 * noise(),
    errorShare: rate > capacity * 3 ? 0.2 : 0,
    sendShare: rate > generatorLimit ? 0.9 : 1,
    generatorUtilization: Math.min(1, (0.7 * rate) / (generatorLimit + 1)),
  });
}

test("the interval holds the capacity and is as narrow as asked, from any start", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 10, max: 100_000, noNaN: true }),
      fc.double({ min: 0.02, max: 50, noNaN: true }),
      async (capacity, startShare) => {
        const startRate = capacity * startShare;
        const found = await searchSaturation({ measure: systemOf(capacity), limits, startRate });
        expect(found.limitedBy).toBe("system");
        expect(found.sustained).toBeLessThanOrEqual(capacity);
        expect(found.exceeded).toBeGreaterThan(capacity);
        expect((found.exceeded ?? 0) / (found.sustained ?? 1)).toBeLessThanOrEqual(1.1);
      },
    ),
    { numRuns: 60 },
  );
});

test("a slice in six that lies does not mislead it far", async () => {
  const random = seededRandom(5);
  let near = 0;
  for (let run = 0; run < 100; run++) {
    const noise = () => (random.next() < 1 / 12 ? 10 : random.next() < 1 / 11 ? 0.1 : 1);
    const found = await searchSaturation({ measure: systemOf(1000, noise), limits, startRate: 100 });
    const { sustained, exceeded } = found;
    if (sustained !== null && sustained > 700 && (exceeded ?? Number.POSITIVE_INFINITY) < 1400) near++;
  }
  expect(near).toBeGreaterThanOrEqual(75);
});

test("a generator that does not keep up is said, not taken for the system's limit", async () => {
  const found = await searchSaturation({ measure: systemOf(10_000_000), limits, startRate: 1000 });
  expect(found.limitedBy).toBe("generator");
  expect(found.sustained).toBeLessThanOrEqual(generatorLimit);
});

test("a system that sustains nothing has no sustained rate, one without a limit no exceeded one", async () => {
  const none = await searchSaturation({ measure: systemOf(0.001), limits, startRate: 100 });
  expect(none).toMatchObject({ sustained: null, limitedBy: "system" });
  const all = await searchSaturation({ measure: systemOf(1e9), limits, startRate: 1000, highestRate: 8000 });
  expect(all).toMatchObject({ sustained: 8000, exceeded: null, limitedBy: "highest rate" });
});

test("options that make no search are refused", async () => {
  const measure = systemOf(1);
  await expect(searchSaturation({ measure, limits, startRate: 0 })).rejects.toThrow(/startRate.*got 0/);
  await expect(searchSaturation({ measure, limits, startRate: 1, repeats: 2 })).rejects.toThrow(/odd, got 2/);
});
