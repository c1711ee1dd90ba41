// One restart: both arms as fresh processes, started in random order and warmed together, then measured against each other. The unit
// of replication: nothing of an earlier restart is alive in it but the databases.

import { spinCanary } from "#harness/experiment/spin-canary.ts";
import { connectWireDriver } from "#harness/load/wire-driver.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import { measureBusy } from "./busy-phase.ts";
import { type ArmName, armNames, type GateArm } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { findCapacity, measureLatency } from "./latency-phase.ts";
import { type ArmCounters, countCold, countWarm } from "./read-counters.ts";
import { callsInFlight, type RunningArm } from "./running-arm.ts";
import type { BusyPair, LatencyPair } from "./slice-pairs.ts";
import { warmArms } from "./warm-arms.ts";

export interface RestartOptions {
  readonly restart: number;
  readonly plan: GatePlan;
  readonly arms: Readonly<Record<ArmName, GateArm>>;
  readonly random: SeededRandom;
  /** Calls per second, of which the loads are shares; undefined in the first restart, which finds it. */
  readonly capacity: number | undefined;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RestartResult {
  readonly restart: number;
  readonly order: readonly ArmName[];
  readonly seconds: number;
  readonly canaryBefore: number;
  readonly canaryAfter: number;
  /** Calls per second that the slower arm could answer. */
  readonly capacity: number;
  readonly startMs: Readonly<Record<ArmName, number>>;
  /** Of both arms together. */
  readonly warmUp: { readonly calls: number; readonly windows: number; readonly steady: boolean };
  readonly processes: Readonly<Record<ArmName, Pick<RuntimeSnapshot, "node" | "v8" | "execArgv">>>;
  readonly counters: Readonly<Record<ArmName, ArmCounters>>;
  readonly latency: readonly LatencyPair[];
  readonly busy: readonly BusyPair[];
}

const connectionsPerArm = 2;

export async function runRestart(options: RestartOptions): Promise<RestartResult> {
  const { arms, random } = options;
  const began = performance.now();
  const canaryBefore = spinCanary();
  const order = random.shuffled(armNames);
  const opened: (() => Promise<unknown>)[] = [];
  try {
    const running: RunningArm[] = [];
    for (const name of order) {
      options.onStep(`starting ${name}`);
      const system = await arms[name].start();
      opened.push(() => system.stop());
      const driver = await connectWireDriver({ ...system.grpc, connections: connectionsPerArm });
      opened.push(() => driver.close());
      running.push({ name, system, driver, request: arms[name].request });
    }
    const measured = await measure(byName(order, running), options);
    return {
      restart: options.restart,
      order,
      canaryBefore,
      canaryAfter: spinCanary(),
      ...measured,
      seconds: (performance.now() - began) / 1000,
    };
  } finally {
    for (const close of opened.reverse()) await close();
  }
}

async function measure(
  arms: Readonly<Record<ArmName, RunningArm>>,
  { plan, random, onStep, signal, ...options }: RestartOptions,
): Promise<Omit<RestartResult, "restart" | "order" | "canaryBefore" | "canaryAfter" | "seconds">> {
  const both = [arms.base, arms.head];
  onStep("counting, cold");
  const [coldBase, coldHead] = await Promise.all([
    countCold(arms.base, plan.countedCalls, callsInFlight),
    countCold(arms.head, plan.countedCalls, callsInFlight),
  ]);
  signal.throwIfAborted();
  onStep("warming");
  const { calls, windows, endedBy } = await warmArms(both, plan.warmUp, plan.countedCalls);
  signal.throwIfAborted();
  onStep("counting, warm");
  const warm = await countWarm(both, plan, callsInFlight, random);
  const capacity = options.capacity ?? (await findCapacity(both, plan.capacityMs));
  onStep("latency");
  const latency = await measureLatency(arms, capacity, plan, random, signal);
  onStep("busy");
  const busy = await measureBusy(arms, capacity, plan, random, signal);
  const facts = async ({ system }: RunningArm) => {
    const { node, v8, execArgv } = await system.runtime();
    return { node, v8, execArgv };
  };
  return {
    capacity,
    startMs: { base: arms.base.system.startMs, head: arms.head.system.startMs },
    warmUp: { calls, windows: windows.length, steady: endedBy === "steady" },
    processes: { base: await facts(arms.base), head: await facts(arms.head) },
    counters: { base: { ...coldBase, ...warm.base }, head: { ...coldHead, ...warm.head } },
    latency,
    busy,
  };
}

function byName<T>(order: readonly ArmName[], values: readonly T[]): Record<ArmName, T> {
  const of = (name: ArmName): T => {
    const value = values[order.indexOf(name)];
    if (value === undefined) throw new RangeError(`nothing was started for ${name}`);
    return value;
  };
  return { base: of("base"), head: of("head") };
}
