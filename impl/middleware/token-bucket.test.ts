import fc from "fast-check";
import { expect, test } from "vitest";
import { type Bucket, type BucketLimit, takeToken, waitMicros } from "./token-bucket.ts";

const limits: fc.Arbitrary<BucketLimit> = fc.record({
  perSecond: fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.double({ min: 0.01, max: 100, noNaN: true })),
  burst: fc.integer({ min: 1, max: 8 }),
});
/** Steps of the clock in microseconds, most about as long as a token takes, some of them back. */
const steps = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: -300_000, max: 2_000_000 })),
  { maxLength: 120 },
);
const starts: fc.Arbitrary<number> = fc.constantFrom(0, 123_456_789, 1_800_000_000_000_000);

/** How far the clock had gone on, steps back not counted, when each token was taken. */
function takenAt(limit: BucketLimit, start: number, clockSteps: readonly number[]): number[] {
  const bucket: Bucket = { fullAt: Number.NEGATIVE_INFINITY };
  const taken: number[] = [];
  let now = start;
  let progress = 0;
  for (const step of clockSteps) {
    now = Math.max(0, now + step);
    progress += Math.max(0, step);
    if (takeToken(bucket, limit, now) === 0) taken.push(progress);
  }
  return taken;
}

test("no window admits more than burst + rate * time, however calls and steps of the clock come", () => {
  fc.assert(
    fc.property(limits, starts, steps, (limit, start, clockSteps) => {
      // The clock of the largest start is held to a quarter of a microsecond, which a step may gain.
      const slack = (clockSteps.length * limit.perSecond) / 1e6 + 1e-6;
      const taken = takenAt(limit, start, clockSteps);
      for (const [first, from] of taken.entries()) {
        for (const [last, to] of taken.entries()) {
          if (last < first) continue;
          const allowed = limit.burst + (limit.perSecond * (to - from)) / 1_000_000;
          expect(last - first + 1).toBeLessThanOrEqual(allowed + slack);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("who waits as long as told is admitted, who asks a microsecond sooner is not", () => {
  fc.assert(
    fc.property(limits, starts, steps, (limit, start, clockSteps) => {
      const bucket: Bucket = { fullAt: Number.NEGATIVE_INFINITY };
      let now = start;
      for (const step of clockSteps) {
        now = Math.max(0, now + step);
        const wait = takeToken(bucket, limit, now);
        expect(Number.isSafeInteger(wait)).toBe(true);
        if (wait === 0) continue;
        expect(waitMicros({ ...bucket }, limit, now + wait - 1)).toBe(1);
        expect(takeToken({ ...bucket }, limit, now + wait)).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});

test("a full bucket gives its burst at once, then a token each interval", () => {
  const limit = { perSecond: 10, burst: 3 };
  const bucket: Bucket = { fullAt: Number.NEGATIVE_INFINITY };
  const at = (now: number): number => takeToken(bucket, limit, now);
  expect([at(0), at(0), at(0), at(0)]).toEqual([0, 0, 0, 100_000]);
  expect([at(99_999), at(100_000), at(100_000)]).toEqual([1, 0, 100_000]);
  expect([at(400_000), at(400_000), at(400_000), at(400_000)]).toEqual([0, 0, 0, 100_000]);
});

test("a clock that is set back leaves an empty bucket at worst, which fills again", () => {
  const limit = { perSecond: 1, burst: 2 };
  const bucket: Bucket = { fullAt: Number.NEGATIVE_INFINITY };
  const hour = 3_600_000_000;
  expect([takeToken(bucket, limit, hour), takeToken(bucket, limit, hour)]).toEqual([0, 0]);
  expect(takeToken(bucket, limit, 5)).toBe(1_000_000);
  expect(takeToken(bucket, limit, 1_000_005)).toBe(0);
});
