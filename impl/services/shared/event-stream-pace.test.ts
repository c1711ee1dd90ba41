import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import { createPace, type Pace } from "./event-stream-pace.ts";

const { signal } = new AbortController();
const settle = () => new Promise((resolve) => setImmediate(resolve));

function paceOf(clock: Clock, maxPerSecond: number): Pace {
  const pace = createPace(clock, maxPerSecond);
  if (pace === undefined) throw new Error("there is a limit");
  return pace;
}

/** When each of `count` messages was let through, on a clock that moves in steps. */
async function sendTimes(maxPerSecond: number, count: number, stepMs: number): Promise<number[]> {
  const clock = manualClock();
  const pace = paceOf(clock, maxPerSecond);
  const times: number[] = [];
  const sending = (async () => {
    while (times.length < count) {
      await pace(signal);
      times.push(clock.monotonic());
    }
  })();
  for (await settle(); times.length < count; await settle()) clock.advance(stepMs);
  await sending;
  return times;
}

test("no second has more messages than are allowed, whatever the timer's steps", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 40 }),
      async (max, stepMs) => {
        const times = await sendTimes(max, 2 * max + 2, stepMs);
        // One more for the message on the border, and what may be made up for.
        const allowed = max + 1 + Math.ceil(max / 100);
        times.forEach((time, n) => {
          const within = times.slice(n).filter((later) => later < time + 1_000);
          expect(within.length).toBeLessThanOrEqual(allowed);
        });
      },
    ),
    { numRuns: 15 },
  );
});

test("steps of a millisecond do not make a fast stream slower", async () => {
  const times = await sendTimes(5_000, 1_000, 1);
  expect(times.at(-1)).toBeLessThanOrEqual(205);
});

test.each([undefined, 0])("%s is no limit", async (maxPerSecond) => {
  expect(createPace(manualClock(), maxPerSecond)).toBeUndefined();
});

test("a stream that ends while it waits stops waiting", async () => {
  const clock = manualClock();
  const pace = paceOf(clock, 1);
  const abort = new AbortController();
  await pace(abort.signal);
  const waiting = pace(abort.signal);
  abort.abort(new Error("gone"));
  await expect(waiting).rejects.toThrow("gone");
  expect(clock.pending).toBe(0);
});
