import { expect, test } from "vitest";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import { processUse } from "./process-use.ts";

const before: RuntimeSnapshot = {
  pid: 1,
  node: "v24",
  v8: "13",
  execArgv: [],
  cpuMicros: 1_000_000,
  allocatedBytes: null,
  gcCount: 1,
  gcMajorCount: 0,
  gcPauseMicros: 4_000,
  loopActive: 300,
  loopIdle: 700,
  loopDelay: { count: 100, sumMs: 50 },
  rssBytes: 100,
  heapUsedBytes: 50,
  calls: 0,
  databaseQueries: 0,
  databaseUrl: undefined,
};
const after: RuntimeSnapshot = {
  ...before,
  cpuMicros: 1_150_000,
  gcPauseMicros: 9_000,
  loopActive: 420,
  loopIdle: 780,
  loopDelay: { count: 120, sumMs: 80 },
  rssBytes: 120,
  heapUsedBytes: 60,
};

test("what a process used is told for the time that its event loop saw pass", () => {
  expect(processUse(before, after)).toEqual({
    cpuShare: 0.75,
    gcMsPerSecond: 25,
    loopDelayMs: 1.5,
    rssBytes: 120,
    heapUsedBytes: 60,
  });
});

test("what cannot be known is null", () => {
  expect(processUse(before, before)).toBeNull();
  expect(processUse({ ...before, loopDelay: null }, after)?.loopDelayMs).toBeNull();
  expect(processUse(before, { ...after, loopDelay: before.loopDelay })?.loopDelayMs).toBeNull();
});
