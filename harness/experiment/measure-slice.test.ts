import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FixedServer, startFixedServer } from "#harness/load/testing/start-fixed-server.ts";
import { connectWireDriver, type WireDriver } from "#harness/load/wire-driver.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { ArmUnderTest } from "./arm-under-test.ts";
import { arms } from "./arms.ts";
import { latencySlice, type SlicePlace, throughputSlice } from "./measure-slice.ts";
import { fakeSystem } from "./testing/fake-system.ts";

let server: FixedServer;
let driver: WireDriver;

beforeAll(async () => {
  server = await startFixedServer();
  driver = await connectWireDriver({ host: "127.0.0.1", port: server.port });
});

afterAll(async () => {
  await driver?.close();
  await server?.stop();
});

describe("a throughput slice", () => {
  it("takes what each call cost from the counters on both sides of the load", async () => {
    const slice = await throughputSlice(armWithCounters("caching"), place("loopback"), stepping(500));
    expect(slice.failures).toBe(0);
    expect(slice.calls).toBeGreaterThan(0);
    expect(slice.values.callsPerSecond).toBeCloseTo(slice.calls / slice.seconds, 6);
    // Per reading the fake counts 100 calls, 5000 µs, 42 kB a call and 25 queries; the fake database 500 µs.
    expect(slice.values).toMatchObject({
      cpuMicrosPerCall: 50,
      allocatedBytesPerCall: 42_000,
      databaseQueriesPerCall: 0.25,
      databaseCpuMicrosPerCall: 5,
      cacheHitRatio: 0.75,
    });
  });

  it("counts the bytes of every call, those that ended while it drained too", async () => {
    const slices = [
      await throughputSlice(armWithCounters("caching"), place("loopback"), stepping(1)),
      await throughputSlice(armWithCounters("caching"), place("loopback"), stepping(1)),
    ];
    for (const { values } of slices) {
      expect(values.wireBytesPerCall).toBeGreaterThan(248);
      expect(values.wireBytesPerCall).toBeLessThan(700);
    }
  });

  it("knows no hit ratio without a cache, and no costs over the shaped link, where the link is the limit", async () => {
    const uncached = await throughputSlice(armWithCounters("neither"), place("loopback"), stepping(1));
    expect(uncached.values.cacheHitRatio).toBeNull();
    const shaped = await throughputSlice(armWithCounters("caching"), place("shaped"), stepping(1));
    expect(shaped.values).toMatchObject({
      cpuMicrosPerCall: null,
      allocatedBytesPerCall: null,
      cacheHitRatio: null,
    });
    expect(shaped.values.callsPerSecond).toBeGreaterThan(0);
  });

  it("does not count when its calls fail, and says with which status", async () => {
    const broken: ArmUnderTest = {
      ...armWithCounters("neither"),
      drivers: { loopback: failing(14), shaped: failing(14) },
    };
    const slice = await throughputSlice(broken, place("loopback"), stepping(1));
    expect(slice.invalid).toMatch(/^failed: more than 1 % of the calls;.* \d+ × status 14$/);
  });
});

describe("a latency slice", () => {
  it("sends at the rate it is given and says how late it was", async () => {
    const { record, latency } = await latencySlice(
      armWithCounters("neither"),
      place("loopback"),
      1500,
      seededRandom(4),
    );
    expect(record.calls).toBeGreaterThan(110);
    expect(record.calls).toBeLessThan(190);
    expect(latency.count).toBe(record.calls);
    expect(record.values.p99Ms).toBeGreaterThanOrEqual(record.values.p50Ms ?? Number.NaN);
    expect(record.sendLagP99Ms).not.toBeNull();
    expect(record.values.callsPerSecond).toBeNull();
  });

  it("knows no percentile that none of its calls is expected to exceed", async () => {
    const { record } = await latencySlice(
      armWithCounters("neither"),
      place("loopback"),
      500,
      seededRandom(4),
    );
    expect(record.values.p99Ms).toBeNull();
    expect(record.values.p90Ms).not.toBeNull();
  });
});

function place(link: SlicePlace["link"]): SlicePlace {
  const request = driver.prepare({ path: "/a.B/C", message: new Uint8Array(40) });
  const concurrency = { loopback: 4, shaped: 2 };
  const workload = { id: "hot-reads" as const, description: "", request: () => request, concurrency };
  return { restart: 0, round: 0, link, workload, firstIndex: 0, durationMs: 100 };
}

function armWithCounters(id: string): ArmUnderTest {
  const arm = arms.find((candidate) => candidate.id === id);
  if (!arm) throw new RangeError(`no arm ${id}`);
  const system = fakeSystem(id, server.port);
  return { arm, system, drivers: { loopback: driver, shaped: driver }, stop: async () => {} };
}

function stepping(micros: number) {
  let readings = 0;
  return { micros: async () => micros * ++readings };
}

function failing(status: number): WireDriver {
  return { ...driver, send: (_request, onDone) => void setTimeout(() => onDone(status), 2) };
}
