import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { type ArrivalOptions, poissonArrivals } from "./arrivals.ts";
import { runClosedLoop } from "./closed-loop.ts";
import type { Arm } from "./driver.ts";
import { type Latency, percentileMicros } from "./latency.ts";
import { runOpenLoop } from "./open-loop.ts";
import { mergeSlices, type Slice } from "./slice.ts";
import { type FixedServer, startFixedServer } from "./testing/start-fixed-server.ts";
import { connectWireDriver, type WireDriver } from "./wire-driver.ts";

// One stall of 400 ms in a run of 1.6 s is a quarter of the time. Calls due in it wait 0 to 400 ms, so of all calls one in five
// waits over 100 ms, and the 95th percentile is near 320 ms. Bounds are wide: a busy machine stalls by itself, too.
const stallMs = 400;
const runMs = 1600;
const stallAfterMs = 500;
const load: ArrivalOptions = { ratePerSecond: 300, durationMs: runMs };

let server: FixedServer;
let driver: WireDriver;
let arm: Arm<PreparedRequest>;

beforeAll(async () => {
  server = await startFixedServer();
  driver = await connectWireDriver({ host: "127.0.0.1", port: server.port });
  const request = driver.prepare({ path: "/test.Fixed/Get", message: Buffer.alloc(40) });
  arm = { name: "fixed", driver, request: () => request };
  await runClosedLoop({ arm, concurrency: 8, durationMs: 300 });
});

afterAll(async () => {
  await driver.close();
  await server.stop();
});

test("a server that stalls shows in an open loop's percentiles, because calls are timed from when they were due", async () => {
  const [open] = await Promise.all([openLoop(), after(stallAfterMs, () => server.freeze(stallMs))]);
  expect(open.unknown + open.failed).toBe(0);
  expect(p(open.latency, 99)).toBeGreaterThan(200_000);
  expect(p(open.latency, 95)).toBeGreaterThan(150_000);
  expect(shareSlowerThan(open.latency, 100_000)).toBeGreaterThan(0.08);
});

test("the same stall hardly shows in a closed loop, which is why its latencies are not reported", async () => {
  const concurrency = 4;
  const closing = runClosedLoop({ arm, concurrency, durationMs: 2500 });
  const [{ arms }] = await Promise.all([closing, after(stallAfterMs, () => server.freeze(stallMs))]);
  const closed = mergeSlices(arms.flatMap(({ slices }) => slices));
  expect(closed.completed).toBeGreaterThan(concurrency * 100);
  expect(closed.latency.maxMicros).toBeGreaterThan(stallMs * 900);
  expect(shareSlowerThan(closed.latency, 100_000)).toBeLessThan(0.02);
});

test("a client that stalls shows in the corrected latency alone, and its slice is flagged as late", async () => {
  const [open] = await Promise.all([openLoop(), after(stallAfterMs, async () => block(stallMs))]);
  const late = open.invalidBecause.filter((reason) => reason.startsWith("generator late"));
  expect(late).toHaveLength(1);
  expect(p(open.latency, 95)).toBeGreaterThan(150_000);
  expect(p(open.sendLag, 95)).toBeGreaterThan(150_000);
  expect(p(open.serviceTime, 95)).toBeLessThan(p(open.latency, 95) / 2);
});

async function openLoop(): Promise<Slice> {
  const plan = poissonArrivals(load, seededRandom(7));
  const { arms } = await runOpenLoop({ plan, arms: [arm], sliceMs: 500 });
  const all = mergeSlices(arms.flatMap(({ slices }) => slices));
  expect(all.intended).toBe(plan.atMicros.length);
  expect(all.completed + all.failed + all.unknown).toBe(all.intended);
  expect(all.latency.count).toBe(all.intended);
  return all;
}

async function after(ms: number, stall: () => Promise<void>): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await stall();
}

/** Keeps this process's event loop from running. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function p(latency: Latency, percent: number): number {
  return percentileMicros(latency, percent) ?? Number.NaN;
}

function shareSlowerThan(latency: Latency, micros: number): number {
  return (
    latency.buckets.reduce((sum, [value, count]) => sum + (value > micros ? count : 0), 0) / latency.count
  );
}
