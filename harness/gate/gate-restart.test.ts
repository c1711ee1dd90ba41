import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeSystem } from "#harness/experiment/testing/fake-system.ts";
import { type FixedServer, startFixedServer } from "#harness/load/testing/start-fixed-server.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { prepare } from "#wire/prepared-request.ts";
import type { ArmName, GateArm } from "./gate-arms.ts";
import { planGate } from "./gate-plan.ts";
import { type RestartOptions, runRestart } from "./gate-restart.ts";

let server: FixedServer;
beforeAll(async () => {
  server = await startFixedServer();
});
afterAll(() => server?.stop());

describe("a restart of both arms", () => {
  it("measures them beside each other, and stops both", async () => {
    const running = new Set<string>();
    const result = await runRestart({ ...options(running), capacity: 2000 });
    expect(new Set(result.order)).toEqual(new Set(["base", "head"]));
    expect(result.busy).toHaveLength(2);
    expect(result.latency.length).toBeGreaterThan(0);
    expect(result.latency.reduce((sum, { base, head }) => sum + base.calls + head.calls, 0)).toBeGreaterThan(
      5,
    );
    // The fake's counters move alike in both arms; only bytes and calls are real.
    expect(result.counters.base.wireBytesPerCall).toBe(result.counters.head.wireBytesPerCall);
    expect(result.counters.base.cacheMissRatio).toBe(0.25);
    expect([...running]).toEqual([]);
  });

  it("keeps the capacity that it is given, else finds one", async () => {
    expect((await runRestart({ ...options(new Set()), capacity: 123 })).capacity).toBe(123);
    expect((await runRestart(options(new Set()))).capacity).toBeGreaterThanOrEqual(40);
  });

  it("stops base when head does not start", async () => {
    const running = new Set<string>();
    const { arms, ...rest } = options(running);
    const head: GateArm = { ...arms.head, start: () => Promise.reject(new Error("no memory")) };
    await expect(runRestart({ ...rest, arms: { ...arms, head } })).rejects.toThrow("no memory");
    expect([...running]).toEqual([]);
  });
});

/** `running` holds the names of the systems that are up. */
function options(running: Set<string>): RestartOptions {
  const request = prepare({ path: "/a.B/C", message: new Uint8Array(40) });
  const arm = (name: ArmName): GateArm => ({
    name,
    request: () => request,
    start: async () => {
      running.add(name);
      return fakeSystem(name, server.port, () => running.delete(name));
    },
  });
  return {
    restart: 0,
    plan: {
      ...planGate(1),
      ...{ latencyMs: 80, latencySliceMs: 20, busySlices: 2, busySliceMs: 20 },
      ...{ countedCalls: 50, countedTurn: 20, capacityMs: 20 },
      warmUp: { calls: 60, windowMs: 5, capMs: 40 },
    },
    arms: { base: arm("base"), head: arm("head") },
    random: seededRandom(5),
    capacity: undefined,
    onStep: () => {},
    signal: new AbortController().signal,
  };
}
