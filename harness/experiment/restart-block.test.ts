import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FixedServer, startFixedServer } from "#harness/load/testing/start-fixed-server.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { SystemDiedError } from "#harness/sut/system-died-error.ts";
import { prepare } from "#wire/prepared-request.ts";
import { completeRounds } from "./analyse.ts";
import type { ArmParts } from "./arm-under-test.ts";
import { arms } from "./arms.ts";
import { type BlockOptions, runBlock } from "./restart-block.ts";
import { planRun } from "./run-plan.ts";
import { fakeSystem } from "./testing/fake-system.ts";

let server: FixedServer;
beforeAll(async () => {
  server = await startFixedServer();
});
afterAll(() => server?.stop());

describe("a restart", () => {
  it("measures every arm in every round of every scenario, and stops all that it started", async () => {
    const running = new Set<string>();
    const block = await runBlock(options(running));
    expect(new Set(block.order)).toEqual(new Set(arms.map((arm) => arm.id)));
    for (const workload of ["hot-reads", "search-pages"] as const)
      for (const link of ["loopback", "shaped"] as const)
        for (const phase of ["throughput", "latency"] as const) {
          const slices = block.slices.map((slice) => ({ ...slice, invalid: null }));
          expect(completeRounds(slices, { workload, link }, phase)).toHaveLength(link === "loopback" ? 2 : 1);
        }
    expect(block.rates).toHaveLength(4);
    for (const rate of block.rates)
      expect(rate.openRate).toBeCloseTo(Math.max(10, rate.slowestCapacity * 0.45), 6);
    expect(block.arms.map((arm) => arm.arm)).toEqual(block.order);
    expect([...running]).toEqual([]);
  });

  it("keeps the rates it is given, so that all restarts measure latency alike", async () => {
    const rates = (["hot-reads", "search-pages"] as const).flatMap((workload) =>
      (["loopback", "shaped"] as const).map((link) => ({
        workload,
        link,
        slowestCapacity: 400,
        openRate: 180,
      })),
    );
    const block = await runBlock({ ...options(new Set()), rates });
    expect(block.rates).toBe(rates);
    const arrivals = block.slices.filter((slice) => slice.phase === "latency" && slice.link === "loopback");
    for (const round of Map.groupBy(arrivals, (slice) => `${slice.workload} ${slice.round}`).values()) {
      expect(new Set(round.map((slice) => slice.calls)).size).toBe(1);
    }
  });

  it("stops the others when one arm does not start", async () => {
    const running = new Set<string>();
    const { parts } = options(running);
    const startSystem: ArmParts["startSystem"] = async (arm) => {
      if (arm.id === "compression") throw new Error("no memory");
      return parts.startSystem(arm);
    };
    await expect(runBlock({ ...options(running), parts: { ...parts, startSystem } })).rejects.toThrow(
      "no memory",
    );
    expect([...running]).toEqual([]);
  });

  it("says which system died, how, and the last it said", async () => {
    const running = new Set<string>();
    const { parts } = options(running);
    const startSystem: ArmParts["startSystem"] = async (arm) => {
      const system = await parts.startSystem(arm);
      if (arm.id !== "caching") return system;
      const runtime = () => Promise.reject(new TypeError("fetch failed"));
      return { ...system, runtime, ended: Promise.resolve("signal SIGSEGV"), logTail: () => "out of memory" };
    };
    const died = runBlock({ ...options(running), parts: { ...parts, startSystem } });
    await expect(died).rejects.toBeInstanceOf(SystemDiedError);
    await expect(died).rejects.toMatchObject({ system: "caching", logTail: "out of memory" });
    expect([...running]).toEqual([]);
  });

  it("ends early when the run is interrupted, with nothing left", async () => {
    const running = new Set<string>();
    const interrupt = new AbortController();
    const onStep = (text: string) => {
      if (text.startsWith("warming up 2")) interrupt.abort(new Error("enough"));
    };
    await expect(runBlock({ ...options(running), onStep, signal: interrupt.signal })).rejects.toThrow(
      "enough",
    );
    expect([...running]).toEqual([]);
  });
});

/** `running` holds the names of systems and links that are up. */
function options(running: Set<string>): BlockOptions {
  let links = 0;
  const request = prepare({ path: "/a.B/C", message: new Uint8Array(40) });
  const concurrency = { loopback: 4, shaped: 4 };
  return {
    restart: 0,
    plan: {
      ...planRun({ quick: true }),
      profileSeconds: 0,
      throughputSliceMs: 20,
      latencySliceMs: 20,
      shapedSliceMs: 20,
      capacitySliceMs: 20,
      warmUpMs: 40,
    },
    parts: {
      connections: 1,
      startSystem: async (arm) => {
        running.add(arm.id);
        return fakeSystem(arm.id, server.port, () => running.delete(arm.id));
      },
      openLink: async (address) => {
        const link = `link ${++links}`;
        running.add(link);
        return { address, close: async () => void running.delete(link) };
      },
    },
    workloads: [
      { id: "hot-reads", description: "", request: () => request, concurrency },
      { id: "search-pages", description: "", request: () => request, concurrency },
    ],
    database: { micros: async () => undefined },
    random: seededRandom(11),
    rates: undefined,
    onStep: () => {},
    signal: new AbortController().signal,
  };
}
