import fc from "fast-check";
import { expect, test } from "vitest";
import { exponentialBackoff, STANDARD_WEBHOOKS_SCHEDULE, scheduledBackoff } from "./backoff.ts";

const random = fc.integer({ min: 0, max: 999_999 }).map((millionths) => millionths / 1_000_000);

test("an exponential delay is between half and all of what doubles up to the longest", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 100_000 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 60 }),
      random,
      (firstMs, factor, failed, at) => {
        const longestMs = firstMs * factor;
        const policy = exponentialBackoff({ firstMs, longestMs, maxAttempts: 61, random: () => at });
        const longest = Math.min(longestMs, firstMs * 2 ** (failed - 1));
        const delay = policy.delayMs(failed);
        expect(delay).toBeGreaterThanOrEqual(longest / 2);
        expect(delay).toBeLessThanOrEqual(longest);
      },
    ),
  );
});

test("a scheduled delay is never shorter than the schedule, and at most a fifth longer", () => {
  const schedule = STANDARD_WEBHOOKS_SCHEDULE;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: schedule.length }),
      fc.integer({ min: 1, max: 1_000 }),
      random,
      (failed, scale, at) => {
        const planned = (schedule[failed - 1] ?? 0) * scale;
        const delay = scheduledBackoff({ schedule, scale, random: () => at }).delayMs(failed);
        expect(delay).toBeGreaterThanOrEqual(planned);
        expect(delay).toBeLessThanOrEqual(planned * 1.2);
      },
    ),
  );
});

test("the schedule of Standard Webhooks has ten attempts in a little more than three days", () => {
  const policy = scheduledBackoff({ schedule: STANDARD_WEBHOOKS_SCHEDULE, scale: 1, random: () => 0 });
  expect(policy.maxAttempts).toBe(10);
  const all = Array.from({ length: 9 }, (_, index) => policy.delayMs(index + 1));
  const seconds = all.reduce((sum, delay) => sum + delay, 0) / 1_000;
  expect(seconds).toBe(75 * 3_600 + 35 * 60 + 5);
});

test("an option that breaks its rule is named", () => {
  const options = { firstMs: 10, longestMs: 100, maxAttempts: 3, random: () => 0 };
  expect(() => exponentialBackoff({ ...options, longestMs: 5 })).toThrow("longestMs 5");
  expect(() => exponentialBackoff({ ...options, maxAttempts: 0 })).toThrow("maxAttempts 0");
  expect(() => scheduledBackoff({ schedule: [], scale: 0, random: () => 0 })).toThrow("scale 0");
});
