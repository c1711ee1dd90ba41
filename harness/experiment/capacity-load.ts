// Load for the searches and series of capacity: a cluster of an arm, connections to it, and slices that say whether the generator kept up.

import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { percentileMicros } from "#harness/load/latency.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { AblationArm } from "./ablation-design.ts";
import { type CallDriver, connectCallDriver } from "./call-driver.ts";
import type { CapacityPlan } from "./capacity-plan.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterWorkload, OpenWorkload } from "./cluster-workload.ts";
import { generatorUtilizationLimit } from "./measure-slice.ts";
import type { RateTrial } from "./saturation-search.ts";

export interface CapacityOptions {
  readonly plan: CapacityPlan;
  readonly workload: ClusterWorkload;
  readonly startCluster: (arm: AblationArm, replicas?: number) => Promise<Cluster>;
  readonly random: SeededRandom;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Of the generator, where their number is not what is varied. */
export const fewConnections = 4;

export type ConnectTo = (
  connections: number,
  use: (driver: CallDriver, opened: OpenWorkload) => Promise<void>,
) => Promise<void>;

export async function withCluster(
  { startCluster, workload }: CapacityOptions,
  arm: AblationArm,
  replicas: number | undefined,
  use: (connectTo: ConnectTo) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster(arm, replicas);
  try {
    const address = cluster.addresses.get("loopback");
    if (address === undefined) throw new RangeError("a cluster for capacity is reached over loopback");
    await use(async (connections, measure) => {
      const driver = await connectCallDriver(address, connections);
      try {
        const opened = await workload.open(driver.connections);
        try {
          await measure(driver, opened);
        } finally {
          opened.close();
        }
      } finally {
        await driver.close();
      }
    });
  } finally {
    await cluster.stop();
  }
}

export interface Throughput {
  readonly callsPerSecond: number;
  readonly valid: boolean;
}

export async function throughputOf(
  driver: CallDriver,
  opened: OpenWorkload,
  concurrency: number,
  durationMs: number,
): Promise<Throughput> {
  const result = await runClosedLoop({
    arm: { name: "arm", driver, request: opened.call },
    concurrency,
    durationMs,
  });
  const slice = mergeSlices(result.arms.flatMap((one) => one.slices));
  return {
    callsPerSecond: slice.completed / (slice.durationMs / 1000),
    valid: slice.valid && slice.generatorUtilization <= generatorUtilizationLimit,
  };
}

/** A call that the generator comes to later than this was not sent at its rate. */
const lateMicros = 20_000;

export async function trialAt(
  driver: CallDriver,
  opened: OpenWorkload,
  rate: number,
  durationMs: number,
  random: SeededRandom,
): Promise<RateTrial> {
  const result = await runOpenLoop({
    plan: poissonArrivals({ ratePerSecond: rate, durationMs }, random),
    arms: [{ name: "arm", driver, request: opened.call }],
    sliceMs: durationMs,
    maxInFlight: 2_000,
  });
  const slice = mergeSlices(result.arms.flatMap((one) => one.slices));
  const micros = percentileMicros(slice.latency, 99);
  const late = slice.sendLag.buckets.reduce((sum, [at, count]) => (at > lateMicros ? sum + count : sum), 0);
  return {
    rate,
    p99Ms: micros === null ? null : micros / 1000,
    errorShare: (slice.failed + slice.unknown) / Math.max(1, slice.intended),
    sendShare: 1 - late / Math.max(1, slice.intended),
    generatorUtilization: slice.generatorUtilization,
  };
}

/** What was complete when the run was interrupted stays. */
export async function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    signal.throwIfAborted();
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
