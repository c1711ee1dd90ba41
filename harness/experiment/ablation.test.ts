import { afterAll, beforeAll, expect, test } from "vitest";
import { type FixedServer, startFixedServer } from "#harness/load/testing/start-fixed-server.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { prepare } from "#wire/prepared-request.ts";
import { type AblationOptions, runAblation } from "./ablation.ts";
import type { AblationPlan } from "./ablation-plan.ts";
import type { Cluster } from "./cluster.ts";
import { type ClusterWorkload, clusterWorkloadFacts } from "./cluster-workload.ts";

let server: FixedServer;
beforeAll(async () => {
  server = await startFixedServer();
});
afterAll(() => server?.stop());

const plan: AblationPlan = {
  factors: ["pooling"],
  scenarios: [{ workload: "hot-reads", condition: "loopback", atLimit: true }],
  blocks: 2,
  confidence: 0.95,
  throughputMs: 50,
  latencyMs: 50,
  stepMs: 50,
  warmUpMs: 50,
};

const request = prepare({ path: "/test.Fixed/Answer", message: new Uint8Array() });

function workload(
  open: ClusterWorkload["open"] = async () => ({ call: answered, close: () => {} }),
): ClusterWorkload {
  return { ...clusterWorkloadFacts["hot-reads"], id: "hot-reads", description: "fixed", open };
}

const answered: Awaited<ReturnType<ClusterWorkload["open"]>>["call"] = () => (connection, onDone) =>
  void connection.unary(request, ({ grpcStatus }) => onDone(grpcStatus));

function optionsOf(running: Set<string>, change: Partial<AblationOptions> = {}): AblationOptions {
  return {
    plan,
    workloads: [workload()],
    random: seededRandom(3),
    mayStart: () => true,
    onStep: () => {},
    signal: new AbortController().signal,
    startCluster: async ({ label }): Promise<Cluster> => {
      running.add(label);
      let readings = 0;
      return {
        addresses: new Map([["loopback", { host: "127.0.0.1", port: server.port }]]),
        usage: async () => ({ cpuMicros: 5000 * ++readings, allocatedBytes: null, memoryBytes: 1e8 }),
        stop: async () => void running.delete(label),
      };
    },
    ...change,
  };
}

test("every arm of every block is measured on a cluster of its own, and none is left running", async () => {
  const running = new Set<string>();
  const result = await runAblation(optionsOf(running));
  expect(result).toMatchObject({ blocks: 2, leftOut: [], interrupted: false });
  expect(result.cells.map(({ block, cell }) => `${block}/${cell}`).sort()).toEqual([
    "0/0",
    "0/1",
    "1/0",
    "1/1",
  ]);
  for (const { values, calls } of result.cells) {
    expect(calls).toBeGreaterThan(0);
    expect(values.allocatedBytesPerCall).toBeNull();
  }
  expect([...running]).toEqual([]);
});

test("interrupted, it gives the blocks that are complete, and stops what it started", async () => {
  const running = new Set<string>();
  const interrupt = new AbortController();
  const onStep = (text: string) => {
    if (text.startsWith("block 2")) interrupt.abort(new Error("interrupted"));
  };
  const result = await runAblation(optionsOf(running, { onStep, signal: interrupt.signal }));
  expect(result).toMatchObject({ blocks: 1, interrupted: true });
  expect(result.cells).toHaveLength(2);
  expect([...running]).toEqual([]);
});

test("a workload that the system does not begin is left out with its reason", async () => {
  const broken = workload(async () => {
    throw new Error("streams do not begin");
  });
  const result = await runAblation(optionsOf(new Set(), { workloads: [broken] }));
  expect(result.leftOut).toEqual([{ workload: "hot-reads", reason: "streams do not begin" }]);
  expect(result.cells).toEqual([]);
});

test("a cluster that does not start ends it, and the blocks before it stay", async () => {
  let started = 0;
  const { startCluster } = optionsOf(new Set());
  const failing = async (arm: Parameters<typeof startCluster>[0]) => {
    // One finds the rates, two are a block.
    if (++started > 3) throw new Error("no memory");
    return startCluster(arm);
  };
  const result = await runAblation(optionsOf(new Set(), { startCluster: failing }));
  expect(result).toMatchObject({ blocks: 1, interrupted: false, failure: "no memory" });
});

test("no block is begun for which there is no time, but the first is", async () => {
  const result = await runAblation(optionsOf(new Set(), { mayStart: () => false }));
  expect(result.blocks).toBe(1);
});
