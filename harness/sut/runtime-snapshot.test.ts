import { describe, expect, it } from "vitest";
import { parseRuntimeSnapshot } from "./runtime-snapshot.ts";

const body = {
  pid: 7,
  node: "v24.0.0",
  v8: "13",
  execArgv: ["--x"],
  cpuMicros: { user: 10, system: 5 },
  allocatedBytes: 99,
  gc: { count: 1, majorCount: 0, pauseMicros: 3 },
  eventLoop: { active: 1, idle: 2 },
  rssBytes: 1,
  heapUsedBytes: 1,
  calls: 4,
  databaseQueries: 2,
};

describe("the system's own counters", () => {
  it("are read, CPU time of user and kernel together", () => {
    expect(parseRuntimeSnapshot(JSON.stringify(body))).toMatchObject({
      cpuMicros: 15,
      allocatedBytes: 99,
      calls: 4,
    });
  });

  it("know the difference between not counted and not told", () => {
    expect(parseRuntimeSnapshot(JSON.stringify({ ...body, allocatedBytes: null })).allocatedBytes).toBeNull();
    expect(() => parseRuntimeSnapshot(JSON.stringify({ ...body, allocatedBytes: undefined }))).toThrow(
      /allocatedBytes must be a number/,
    );
  });

  it("tell how late the event loop's timer was, where the system does", () => {
    expect(parseRuntimeSnapshot(JSON.stringify(body)).loopDelay).toBeNull();
    const eventLoop = { ...body.eventLoop, delay: { count: 3, sumMs: 1.5 } };
    expect(parseRuntimeSnapshot(JSON.stringify({ ...body, eventLoop })).loopDelay).toEqual({
      count: 3,
      sumMs: 1.5,
    });
  });

  it("are refused with the name of the field that is wrong", () => {
    expect(() => parseRuntimeSnapshot(JSON.stringify({ ...body, gc: {} }))).toThrow(
      /gc.count must be a number/,
    );
    expect(() => parseRuntimeSnapshot(JSON.stringify({ ...body, execArgv: "x" }))).toThrow(
      /execArgv must be a list/,
    );
    expect(() => parseRuntimeSnapshot("[]")).toThrow(/pid must be a number, got undefined/);
  });
});
