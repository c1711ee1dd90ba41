import { describe, expect, it } from "vitest";
import { judgeGate, type Measured } from "./judge-gate.ts";
import type { ArmCounters } from "./read-counters.ts";

const counters: ArmCounters = {
  allocatedBytesPerCall: 40_000,
  wireBytesPerCall: 1200,
  databaseQueriesPerCall: 0.25,
  cacheMissRatio: 0.25,
};

describe("the verdict", () => {
  it("passes equal arms", () => {
    expect(judgeGate(restarts(), "final").outcome).toBe("PASS");
  });

  it("fails 5 % more bytes on the wire, and names the counter", () => {
    const verdict = judgeGate(restarts({ wireBytesPerCall: 1260 }), "final");
    expect(verdict.outcome).toBe("FAIL");
    const failed = verdict.counters.filter(({ outcome }) => outcome === "FAIL");
    expect(failed.map(({ metric }) => metric.id)).toEqual(["wireBytesPerCall"]);
    expect(failed[0]?.change).toBeCloseTo(0.05, 6);
  });

  it("compares a share by its points, and nothing with something", () => {
    const cold = judgeGate(restarts({ cacheMissRatio: 0.27 }), "final");
    expect(cold.counters.find(({ metric }) => metric.id === "cacheMissRatio")?.outcome).toBe("FAIL");
    const from = { ...counters, databaseQueriesPerCall: 0 };
    const queries = judgeGate(restarts({ databaseQueriesPerCall: 0.1 }, from), "final").counters[2];
    expect(queries).toMatchObject({ outcome: "FAIL", change: 1 });
    // Two queries of the background in 3000 calls against one are no doubling.
    const idle = { ...counters, databaseQueriesPerCall: 1 / 3000 };
    const twice = judgeGate(restarts({ databaseQueriesPerCall: 2 / 3000 }, idle), "final").counters[2];
    expect(twice?.outcome).toBe("PASS");
    expect(judgeGate(restarts({ databaseQueriesPerCall: 0 }, from), "final").counters[2]?.outcome).toBe(
      "PASS",
    );
  });

  it("does not know what an arm does not tell", () => {
    const verdict = judgeGate(restarts({ allocatedBytesPerCall: null }), "final");
    expect(verdict.counters[0]).toMatchObject({ outcome: "INCONCLUSIVE", change: null });
    expect(verdict.outcome).toBe("INCONCLUSIVE");
  });

  it("fails three times the CPU, and leaves pairs out that do not count", () => {
    const slow = restarts().map((restart, i) => ({
      ...restart,
      busy: restart.busy.map((pair) => ({
        ...pair,
        head: { ...pair.head, cpuMicrosPerCall: 300 + i },
      })),
    }));
    const verdict = judgeGate(slow, "final");
    expect(verdict.timing.find(({ metric }) => metric.id === "cpuMicrosPerCall")?.outcome).toBe("FAIL");
    const invalid = slow.map((restart) => ({
      ...restart,
      busy: restart.busy.map((pair) => ({ ...pair, invalid: "busy" })),
    }));
    expect(judgeGate(invalid, "final").timing[0]).toMatchObject({
      outcome: "INCONCLUSIVE",
      estimate: undefined,
    });
  });
});

function restarts(head: Partial<ArmCounters> = {}, base = counters): Measured[] {
  const latency = { calls: 200, p50Ms: 1, p90Ms: 2, p99Ms: 5, uncorrectedP99Ms: 4 };
  const turn = { calls: 2500, cpuMicrosPerCall: 100 };
  return Array.from({ length: 6 }, () => ({
    counters: { base, head: { ...counters, ...head } },
    latency: Array.from({ length: 5 }, () => ({
      base: latency,
      head: latency,
      sendLagP99Ms: 1,
      invalid: null,
    })),
    busy: Array.from({ length: 5 }, () => ({ base: turn, head: turn, invalid: null })),
  }));
}
