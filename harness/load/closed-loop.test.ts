import { expect, test } from "vitest";
import { runClosedLoop } from "./closed-loop.ts";
import { manualClock, manualDriver } from "./testing/manual-clock.ts";

test("as many calls as asked are in flight, and each belongs to the slice in which it ended", async () => {
  const clock = manualClock();
  const driver = manualDriver(clock, () => ({ ms: 10, status: 0 }));
  const arm = { name: "only", driver, request: (index: number) => index };
  const running = runClosedLoop({ arm, concurrency: 4, durationMs: 205, sliceMs: 100, firstIndex: 7, clock });
  expect(driver.open()).toBe(4);
  clock.advance(300);
  const { arms, endedAfter } = await running;
  expect(arms[0]?.slices.map((slice) => slice.completed)).toEqual([36, 40, 4]);
  expect(arms[0]?.slices.map((slice) => slice.durationMs)).toEqual([100, 100, 5]);
  expect(endedAfter).toBe(4);
  expect(driver.sent.slice(0, 5)).toEqual([7, 8, 9, 10, 11]);
  expect(driver.open()).toBe(0);
});

test("failures are counted by status and make the slice invalid", async () => {
  const clock = manualClock();
  const driver = manualDriver(clock, (request) => ({ ms: 10, status: request % 2 === 0 ? 0 : 8 }));
  const running = runClosedLoop({
    arm: { name: "only", driver, request: (index) => index },
    concurrency: 2,
    durationMs: 105,
    clock,
  });
  clock.advance(300);
  const slice = (await running).arms[0]?.slices[0];
  expect(slice).toMatchObject({
    intended: 20,
    completed: 10,
    failed: 10,
    statusCounts: { 0: 10, 8: 10 },
    valid: false,
  });
});

test("calls that never end do not keep the run from ending", async () => {
  const clock = manualClock();
  const driver = manualDriver(clock, () => undefined);
  const arm = { name: "only", driver, request: (index: number) => index };
  const running = runClosedLoop({ arm, concurrency: 3, durationMs: 100, drainTimeoutMs: 50, clock });
  clock.advance(100);
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(100);
  expect(await running).toMatchObject({ endedAfter: 3 });
});

test("no concurrency is refused with its value", async () => {
  const driver = manualDriver(manualClock(), () => undefined);
  const arm = { name: "only", driver, request: (index: number) => index };
  await expect(runClosedLoop({ arm, concurrency: 0, durationMs: 1 })).rejects.toThrow(/concurrency.*got 0/);
});
