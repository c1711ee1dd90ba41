import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { constantArrivals, poissonArrivals } from "./arrivals.ts";
import { noStatus } from "./driver.ts";
import { percentileMicros } from "./latency.ts";
import { runOpenLoop } from "./open-loop.ts";
import { mergeSlices, type Slice } from "./slice.ts";
import { manualClock, manualDriver } from "./testing/manual-clock.ts";

const ok = { ms: 5, status: 0 };

test("every call of the plan is in the result once, whatever became of it", async () => {
  const answers = fc.constantFrom(
    ok,
    { ms: 300, status: 0 },
    { ms: 1, status: 14 },
    { ms: 2, status: noStatus },
    undefined,
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(answers, { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer(),
      async (replies, maxInFlight, arms, seed) => {
        const clock = manualClock();
        const drivers = Array.from({ length: arms }, () =>
          manualDriver(clock, (i) => replies[i % replies.length]),
        );
        const plan = poissonArrivals({ ratePerSecond: 500, durationMs: 400, arms }, seededRandom(seed));
        const running = runOpenLoop({
          plan,
          arms: drivers.map((driver, i) => ({ name: `arm ${i}`, driver, request: (index: number) => index })),
          sliceMs: 100,
          maxInFlight,
          drainTimeoutMs: 50,
          clock,
        });
        clock.advance(500);
        const slices = (await running).arms.flatMap((arm) => arm.slices);
        expect(slices).toHaveLength(4 * arms);
        for (const slice of slices) {
          expect(slice.completed + slice.failed + slice.unknown).toBe(slice.intended);
          expect(slice.latency.count).toBe(slice.intended);
          expect(slice.sendLag.count).toBe(slice.intended);
          expect(slice.serviceTime.count).toBeLessThanOrEqual(slice.intended);
        }
        expect(mergeSlices(slices).intended).toBe(plan.atMicros.length);
        for (const driver of drivers) expect(new Set(driver.sent).size).toBe(driver.sent.length);
      },
    ),
    { numRuns: 60 },
  );
});

test("a call that finds no place in flight is deferred, and timed from when it was due", async () => {
  const clock = manualClock();
  const driver = manualDriver(clock, () => ({ ms: 20, status: 0 }));
  let mostOpen = 0;
  const watched = {
    ...driver,
    send: (request: number, onDone: (status: number) => void) => {
      driver.send(request, onDone);
      mostOpen = Math.max(mostOpen, driver.open());
    },
  };
  // One every 10 ms, one place, 20 ms each: the tenth waits for nine others.
  const plan = constantArrivals({ ratePerSecond: 100, durationMs: 100 }, seededRandom(1));
  const running = runOpenLoop({ plan, arms: [arm(watched)], sliceMs: 100, maxInFlight: 1, clock });
  clock.advance(1000);
  const slice = only((await running).arms[0]?.slices);
  expect(mostOpen).toBe(1);
  expect(slice).toMatchObject({ intended: 10, completed: 10, deferred: 9, valid: true });
  expect(slice.latency.maxMicros / 1000).toBeCloseTo(200 - 90, 0);
  expect(slice.serviceTime.maxMicros).toBe(20_000);
  expect(slice.sendLag.maxMicros).toBeLessThan(1000);
});

test("a generator that stood still flags the slices of all arms, answered or not", async () => {
  const clock = manualClock();
  const arms = [arm(manualDriver(clock, () => ok)), arm(manualDriver(clock, () => ok))];
  const plan = constantArrivals({ ratePerSecond: 400, durationMs: 300, arms: 2 }, seededRandom(2));
  const running = runOpenLoop({ plan, arms, sliceMs: 100, clock });
  clock.advance(110);
  clock.freeze(80);
  clock.advance(300);
  for (const { slices } of (await running).arms) {
    const late = slices.map((slice) => slice.invalidBecause.some((reason) => reason.includes("send lag")));
    expect(late).toEqual([false, true, false]);
  }
});

test("spinning until the next arrival is not counted as being busy", async () => {
  const clock = manualClock();
  const plan = constantArrivals({ ratePerSecond: 500, durationMs: 200 }, seededRandom(2));
  const running = runOpenLoop({ plan, arms: [arm(manualDriver(clock, () => ok))], sliceMs: 200, clock });
  clock.advance(400);
  const slice = only((await running).arms[0]?.slices);
  expect(slice.generatorSpinMicros).toBeGreaterThan(100_000);
  expect(slice.generatorUtilization).toBeLessThan(0.5);
});

test("bytes belong to the slice in which they went over the wire", async () => {
  const clock = manualClock();
  const plan = constantArrivals({ ratePerSecond: 100, durationMs: 200 }, seededRandom(2));
  const running = runOpenLoop({ plan, arms: [arm(manualDriver(clock, () => ok))], sliceMs: 100, clock });
  clock.advance(400);
  const slices = (await running).arms[0]?.slices ?? [];
  expect(slices.map((slice) => slice.wireBytesSent)).toEqual([1000, 1000]);
});

test("what is still open after the drain time is unknown, at least as slow as it had waited", async () => {
  const clock = manualClock();
  const plan = constantArrivals({ ratePerSecond: 10, durationMs: 100 }, seededRandom(2));
  const driver = manualDriver(clock, () => undefined);
  const running = runOpenLoop({ plan, arms: [arm(driver)], sliceMs: 100, drainTimeoutMs: 1000, clock });
  clock.advance(2000);
  const slice = only((await running).arms[0]?.slices);
  expect(slice).toMatchObject({ intended: 1, unknown: 1, statusCounts: { none: 1 }, valid: false });
  expect(percentileMicros(slice.latency, 50)).toBeGreaterThan(1_000_000);
});

test("a request that cannot be made ends the run with its error", async () => {
  const clock = manualClock();
  const plan = constantArrivals({ ratePerSecond: 10, durationMs: 100 }, seededRandom(2));
  const broken = {
    ...arm(manualDriver(clock, () => ok)),
    request: (): number => {
      throw new Error("no such request");
    },
  };
  const running = runOpenLoop({ plan, arms: [broken], sliceMs: 100, clock });
  const refused = expect(running).rejects.toThrow("no such request");
  clock.advance(200);
  await refused;
});

test("an aborted run rejects with the signal's reason and sends nothing more", async () => {
  const clock = manualClock();
  const driver = manualDriver(clock, () => ok);
  const plan = constantArrivals({ ratePerSecond: 100, durationMs: 1000 }, seededRandom(2));
  const stop = new AbortController();
  const running = runOpenLoop({ plan, arms: [arm(driver)], sliceMs: 100, clock, signal: stop.signal });
  const refused = expect(running).rejects.toThrow("enough");
  clock.advance(100);
  stop.abort(new Error("enough"));
  await refused;
  const sent = driver.sent.length;
  clock.advance(1000);
  expect(driver.sent).toHaveLength(sent);
});

test("a plan for more arms than there are is refused", async () => {
  const plan = constantArrivals({ ratePerSecond: 1000, durationMs: 100, arms: 3 }, seededRandom(2));
  const clock = manualClock();
  const running = runOpenLoop({ plan, arms: [arm(manualDriver(clock, () => ok))], sliceMs: 100, clock });
  await expect(running).rejects.toThrow(/3 arms, got 1/);
});

function arm(driver: ReturnType<typeof manualDriver>) {
  return { name: "only", driver, request: (index: number) => index };
}

function only(slices: readonly Slice[] | undefined): Slice {
  const [slice, ...more] = slices ?? [];
  if (slice === undefined || more.length > 0) throw new Error(`expected one slice, got ${slices?.length}`);
  return slice;
}
