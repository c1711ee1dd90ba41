// How much a gateway with replicas sustains: the highest rate within a latency limit for some arms, and how throughput grows with
// connections and with replicas. The total of CPU is the same everywhere: one core for gateway, replicas and database.

import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { percentileMicros } from "#harness/load/latency.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { AblationArm } from "./ablation-design.ts";
import { type CallDriver, connectCallDriver } from "./call-driver.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterWorkload, OpenWorkload } from "./cluster-workloads.ts";
import { generatorUtilizationLimit } from "./measure-slice.ts";
import { type RateTrial, type Saturation, searchSaturation } from "./saturation-search.ts";
import { fitScalability, NoFitError, type ScalabilityFit, type ScalabilityPoint } from "./scalability-law.ts";

export interface CapacityPlan {
  readonly p99Ms: number;
  readonly searchSliceMs: number;
  readonly connections: readonly number[];
  readonly callsPerConnection: number;
  readonly replicas: readonly number[];
  readonly callsInFlight: number;
  readonly slices: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

export const fullCapacityPlan: CapacityPlan = {
  p99Ms: 50,
  searchSliceMs: 1_000,
  connections: [1, 2, 4, 8, 16, 32, 64, 128],
  callsPerConnection: 4,
  replicas: [1, 2, 3, 4, 6, 8],
  callsInFlight: 32,
  slices: 5,
  sliceMs: 600,
  warmUpMs: 2_000,
};

export interface ArmSaturation extends Saturation {
  readonly arm: string;
}

export interface ScalabilitySeries {
  readonly over: "connections" | "replicas";
  readonly points: readonly ScalabilityPoint[];
  readonly slicesLeftOut: number;
  readonly fit: ScalabilityFit | undefined;
  /** Why there is none. */
  readonly noFit: string | undefined;
}

export interface CapacityOptions {
  readonly plan: CapacityPlan;
  readonly workload: ClusterWorkload;
  readonly startCluster: (arm: AblationArm, replicas?: number) => Promise<Cluster>;
  readonly random: SeededRandom;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

const searchConnections = 4;

/** One search for each arm, on a fresh cluster. Interrupted, it gives those that are complete. */
export async function searchArms(
  options: CapacityOptions,
  arms: readonly AblationArm[],
): Promise<ArmSaturation[]> {
  const { plan, workload, random, signal, onStep } = options;
  const found: ArmSaturation[] = [];
  await untilAborted(signal, async () => {
    for (const arm of arms) {
      onStep(`saturation of ${arm.label}`);
      await withCluster(options, arm, undefined, async (connectTo) => {
        await connectTo(searchConnections, async (driver, opened) => {
          const capacity = await closedLoop(driver, opened, workload.concurrency, plan.warmUpMs);
          let slice = 0;
          const measure = (rate: number) => {
            signal.throwIfAborted();
            return openLoop(driver, opened, rate, plan.searchSliceMs, random.fork(`search ${slice++}`));
          };
          const limits = { p99Ms: plan.p99Ms };
          // The loop that waits for answers tells where to begin.
          const startRate = Math.max(8, capacity.callsPerSecond / 4);
          found.push({ arm: arm.label, ...(await searchSaturation({ measure, limits, startRate })) });
        });
      });
    }
  });
  return found;
}

export async function scaleConnections(
  options: CapacityOptions,
  arm: AblationArm,
): Promise<ScalabilitySeries> {
  const { plan, signal, onStep } = options;
  const series = new Series();
  await untilAborted(signal, () =>
    withCluster(options, arm, undefined, async (connectTo) => {
      for (const n of plan.connections) {
        onStep(`throughput over ${n} connections`);
        await connectTo(n, (driver, opened) =>
          measurePoint(options, series, n, driver, opened, n * plan.callsPerConnection),
        );
      }
    }),
  );
  return series.fitted("connections", options.random);
}

export async function scaleReplicas(options: CapacityOptions, arm: AblationArm): Promise<ScalabilitySeries> {
  const { plan, signal, onStep } = options;
  const series = new Series();
  await untilAborted(signal, async () => {
    for (const n of plan.replicas) {
      onStep(`throughput over ${n} replicas`);
      await withCluster(options, arm, n, (connectTo) =>
        connectTo(searchConnections, (driver, opened) =>
          measurePoint(options, series, n, driver, opened, plan.callsInFlight),
        ),
      );
    }
  });
  return series.fitted("replicas", options.random);
}

class Series {
  readonly #points: ScalabilityPoint[] = [];
  #leftOut = 0;

  add(n: number, slices: readonly Closed[]): void {
    const valid = slices.filter((slice) => slice.valid);
    this.#leftOut += slices.length - valid.length;
    if (valid.length > 0) this.#points.push({ n, throughputs: valid.map((slice) => slice.callsPerSecond) });
  }

  fitted(over: ScalabilitySeries["over"], random: SeededRandom): ScalabilitySeries {
    const about = { over, points: this.#points, slicesLeftOut: this.#leftOut };
    try {
      return { ...about, fit: fitScalability(this.#points, random.fork(`fit ${over}`)), noFit: undefined };
    } catch (error) {
      if (!(error instanceof NoFitError)) throw error;
      return { ...about, fit: undefined, noFit: error.message };
    }
  }
}

async function measurePoint(
  { plan, signal }: CapacityOptions,
  series: Series,
  n: number,
  driver: CallDriver,
  opened: OpenWorkload,
  concurrency: number,
): Promise<void> {
  await closedLoop(driver, opened, concurrency, plan.warmUpMs);
  const slices: Closed[] = [];
  while (slices.length < plan.slices) {
    signal.throwIfAborted();
    slices.push(await closedLoop(driver, opened, concurrency, plan.sliceMs));
  }
  series.add(n, slices);
}

type ConnectTo = (
  connections: number,
  use: (driver: CallDriver, opened: OpenWorkload) => Promise<void>,
) => Promise<void>;

async function withCluster(
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

interface Closed {
  readonly callsPerSecond: number;
  readonly valid: boolean;
}

async function closedLoop(
  driver: CallDriver,
  opened: OpenWorkload,
  concurrency: number,
  durationMs: number,
): Promise<Closed> {
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

async function openLoop(
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

/** A call that the generator comes to later than this was not sent at its rate. */
const lateMicros = 20_000;

/** What was complete when the run was interrupted stays. */
async function untilAborted(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    signal.throwIfAborted();
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
