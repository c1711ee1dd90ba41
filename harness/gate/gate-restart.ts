// One restart: both arms as fresh processes, started and warmed in random order, then measured against each other. The unit of
// replication: nothing of an earlier restart is alive in it but the databases.

import { spinCanary } from "#harness/experiment/spin-canary.ts";
import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import { warmUp } from "#harness/load/warm-up.ts";
import { connectWireDriver, type WireDriver } from "#harness/load/wire-driver.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import type { RunningSystem } from "#harness/sut/start-system.ts";
import type { PreparedRequest } from "#wire/prepared-request.ts";
import { type ArmName, armNames, type GateArm } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { type ArmCounters, readCounters } from "./read-counters.ts";
import { type LatencyPair, latencyPairs, type ThroughputPair, throughputOf } from "./slice-pairs.ts";

export interface RestartOptions {
  readonly restart: number;
  readonly plan: GatePlan;
  readonly arms: Readonly<Record<ArmName, GateArm>>;
  readonly random: SeededRandom;
  /** Of the open loop; undefined in the first restart, which finds it. */
  readonly ratePerSecond: number | undefined;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RestartResult {
  readonly restart: number;
  readonly order: readonly ArmName[];
  readonly seconds: number;
  readonly canaryBefore: number;
  readonly canaryAfter: number;
  readonly ratePerSecond: number;
  readonly arms: Readonly<
    Record<ArmName, { readonly startMs: number; readonly warmUpCalls: number; readonly steady: boolean }>
  >;
  readonly processes: Readonly<Record<ArmName, Pick<RuntimeSnapshot, "node" | "v8" | "execArgv">>>;
  readonly counters: Readonly<Record<ArmName, ArmCounters>>;
  readonly latency: readonly LatencyPair[];
  readonly throughput: readonly ThroughputPair[];
}

export interface RunningArm {
  readonly name: ArmName;
  readonly system: RunningSystem;
  readonly driver: WireDriver;
  readonly request: (index: number) => PreparedRequest;
}

const connectionsPerArm = 2;
export const callsInFlight = 16;
/** Share of the slower arm's capacity that both get together. */
const openLoad = 0.45;
/** Calls of an arm in a slice below which its 99th percentile is its maximum. */
const fewestCallsASlice = 150;

export async function runRestart(options: RestartOptions): Promise<RestartResult> {
  const { restart, plan, arms, random, onStep, signal } = options;
  const began = performance.now();
  const canaryBefore = spinCanary();
  const order = random.shuffled(armNames);
  const opened: (() => Promise<unknown>)[] = [];
  try {
    const running: RunningArm[] = [];
    for (const name of order) {
      onStep(`starting ${name}`);
      const system = await arms[name].start();
      opened.push(() => system.stop());
      const driver = await connectWireDriver({ ...system.grpc, connections: connectionsPerArm });
      opened.push(() => driver.close());
      running.push({ name, system, driver, request: arms[name].request });
    }
    const warm: (typeof cold)[] = [];
    for (const arm of running) {
      onStep(`warming ${arm.name}`);
      warm.push(await warmArm(arm, plan));
      signal.throwIfAborted();
    }
    onStep("counting");
    const counters = [];
    for (const arm of running) counters.push(await readCounters(arm, plan.countedCalls, callsInFlight));
    const ratePerSecond = options.ratePerSecond ?? (await findRate(running, plan));
    onStep(`latency at ${Math.round(ratePerSecond)} calls/s`);
    const latency = await measureLatency(running, ratePerSecond, options);
    onStep("saturation");
    const throughput = await measureThroughput(running, options);
    const processes = await Promise.all(running.map(({ system }) => system.runtime()));
    return {
      restart,
      order,
      canaryBefore,
      canaryAfter: spinCanary(),
      ratePerSecond,
      arms: byName(
        order,
        running.map(({ system }, i) => ({ startMs: system.startMs, ...(warm[i] ?? cold) })),
      ),
      processes: byName(
        order,
        processes.map(({ node, v8, execArgv }) => ({ node, v8, execArgv })),
      ),
      counters: byName(order, counters),
      latency,
      throughput,
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

const cold = { warmUpCalls: 0, steady: false };

async function warmArm({ name, system, driver, request }: RunningArm, plan: GatePlan) {
  const arm = { name, driver, request };
  const { calls, endedBy } = await warmUp({
    drive: (durationMs) => runClosedLoop({ arm, concurrency: callsInFlight, durationMs }),
    probe: async () => {
      const snapshot = await system.runtime();
      return { calls: snapshot.calls, cost: snapshot.cpuMicros };
    },
    minCalls: plan.warmUpCalls,
    windowMs: plan.warmUpMs / 8,
    capMs: plan.warmUpMs,
  });
  return { warmUpCalls: calls, steady: endedBy === "steady" };
}

async function findRate(running: readonly RunningArm[], plan: GatePlan): Promise<number> {
  const capacities: number[] = [];
  for (const { name, driver, request } of running) {
    const { arms } = await runClosedLoop({
      arm: { name, driver, request },
      concurrency: callsInFlight,
      durationMs: plan.capacityMs,
    });
    const slice = mergeSlices(arms.flatMap(({ slices }) => slices));
    capacities.push(slice.completed / (slice.durationMs / 1000));
  }
  return Math.max(20, openLoad * Math.min(...capacities));
}

/** The slice grows until both arms have calls enough in it: by the rate alone, the same for both, before anything is seen. */
function latencySliceMs(plan: GatePlan, ratePerSecond: number): number {
  const needed = (1000 * 2 * fewestCallsASlice) / ratePerSecond;
  return Math.min(plan.latencyMs, plan.latencySliceMs * Math.max(1, Math.ceil(needed / plan.latencySliceMs)));
}

async function measureLatency(
  running: readonly RunningArm[],
  ratePerSecond: number,
  { plan, random, signal }: RestartOptions,
): Promise<LatencyPair[]> {
  const first = random.below(1_000_000);
  const inOrder = armNames.flatMap((name) => running.filter((arm) => arm.name === name));
  const result = await runOpenLoop({
    plan: poissonArrivals({ ratePerSecond, durationMs: plan.latencyMs, arms: 2 }, random),
    arms: inOrder.map(({ name, driver, request }) => ({
      name,
      driver,
      request: (index) => request(first + index),
    })),
    sliceMs: latencySliceMs(plan, ratePerSecond),
    signal,
  });
  return latencyPairs(result);
}

async function measureThroughput(
  running: readonly RunningArm[],
  { plan, random, signal }: RestartOptions,
): Promise<ThroughputPair[]> {
  const pairs: ThroughputPair[] = [];
  for (let pair = 0; pair < plan.pairs; pair++) {
    signal.throwIfAborted();
    const firstIndex = random.below(1_000_000);
    const turns = [];
    for (const arm of random.shuffled(running)) {
      turns.push({ name: arm.name, slice: await throughputOf(arm, firstIndex, plan.throughputSliceMs) });
    }
    const slices = byName(
      turns.map(({ name }) => name),
      turns.map(({ slice }) => slice),
    );
    pairs.push({ first: turns[0]?.name ?? "base", ...slices });
  }
  return pairs;
}

function byName<T>(order: readonly ArmName[], values: readonly T[]): Record<ArmName, T> {
  const of = (name: ArmName): T => {
    const value = values[order.indexOf(name)];
    if (value === undefined) throw new RangeError(`nothing was measured of ${name}`);
    return value;
  };
  return { base: of("base"), head: of("head") };
}
