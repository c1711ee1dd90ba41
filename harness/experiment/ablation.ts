// The ablation: block after block, each with one fresh cluster for every arm in random order, each measured with every workload under every
// network condition, in random order. Interrupted, it gives the blocks that are complete.

import type { LinkName } from "#harness/fault/links.ts";
import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { noStatus } from "#harness/load/driver.ts";
import { percentileMicros } from "#harness/load/latency.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices, type Slice } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import {
  type AblationArm,
  type AblationFactorId,
  type AblationMetricId,
  ablationArms,
} from "./ablation-design.ts";
import { type CallDriver, connectCallDriver } from "./call-driver.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterWorkload, ClusterWorkloadId, OpenWorkload } from "./cluster-workloads.ts";
import { generatorUtilizationLimit } from "./measure-slice.ts";

export interface AblationPlan {
  readonly factors: readonly AblationFactorId[];
  readonly conditions: readonly LinkName[];
  readonly workloads: readonly ClusterWorkloadId[];
  readonly blocks: number;
  readonly throughputMs: number;
  readonly latencyMs: number;
  /** Of each workload, once an arm. */
  readonly warmUpMs: number;
}

export interface AblationScenario {
  readonly workload: ClusterWorkloadId;
  readonly condition: LinkName;
}

export interface AblationCell extends AblationScenario {
  readonly block: number;
  readonly cell: number;
  readonly values: Readonly<Record<AblationMetricId, number | null>>;
  readonly generatorUtilization: number;
  /** Why it does not count. */
  readonly invalid: string | null;
}

export interface AblationResult {
  readonly plan: AblationPlan;
  readonly arms: readonly AblationArm[];
  /** Calls a second of the open loops, by scenario. */
  readonly rates: readonly (AblationScenario & { readonly rate: number })[];
  readonly leftOut: readonly { readonly workload: ClusterWorkloadId; readonly reason: string }[];
  readonly blocks: number;
  readonly cells: readonly AblationCell[];
  readonly interrupted: boolean;
}

export interface AblationOptions {
  readonly plan: AblationPlan;
  readonly workloads: readonly ClusterWorkload[];
  readonly startCluster: (arm: AblationArm) => Promise<Cluster>;
  readonly random: SeededRandom;
  readonly onStep: (text: string, done: number, total: number) => void;
  /** Whether another block, as long as the longest so far, may begin; asked from the second block on. */
  readonly mayStart?: (longestSeconds: number) => boolean;
  readonly signal: AbortSignal;
}

/** Of the slowest arm's capacity: far enough from saturation for latency to be stable. */
const openLoad = 0.5;
const connectionsPerArm = 4;
const attempts = 3;
const probeMs = 10_000;

export async function runAblation(options: AblationOptions): Promise<AblationResult> {
  const { plan, random, onStep, signal, mayStart = () => true } = options;
  const arms = ablationArms(plan.factors);
  const total = arms.length * plan.blocks;
  const cells: AblationCell[] = [];
  let blocks = 0;
  let longest = 0;
  const result = (setup: Setup): AblationResult => ({
    plan,
    arms,
    rates: setup.rates,
    leftOut: setup.leftOut,
    blocks,
    cells,
    interrupted: signal.aborted,
  });
  onStep("finding the rates", 0, total);
  const setup = await prepare(options, arms);
  try {
    while (blocks < plan.blocks && (blocks === 0 || mayStart(longest))) {
      const began = performance.now();
      const found: AblationCell[] = [];
      const order = random.fork(`block ${blocks}`);
      for (const [i, arm] of order.shuffled(arms).entries()) {
        signal.throwIfAborted();
        onStep(`block ${blocks + 1}: ${arm.label}`, blocks * arms.length + i, total);
        found.push(...(await measureArm(options, setup, arm, blocks, order)));
      }
      cells.push(...found);
      blocks++;
      longest = Math.max(longest, (performance.now() - began) / 1000);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return result(setup);
}

interface Setup {
  readonly rates: AblationResult["rates"];
  readonly leftOut: AblationResult["leftOut"];
  readonly workloads: readonly ClusterWorkload[];
}

/** Which workloads are answered, and how fast the two extreme arms answer them. */
async function prepare(options: AblationOptions, arms: readonly AblationArm[]): Promise<Setup> {
  const { plan, signal } = options;
  const wanted = options.workloads.filter(({ id }) => plan.workloads.includes(id));
  const leftOut: { workload: ClusterWorkloadId; reason: string }[] = [];
  const capacities = new Map<string, { scenario: AblationScenario; lowest: number }>();
  for (const arm of [arms[0], arms.at(-1)]) {
    if (arm === undefined) continue;
    signal.throwIfAborted();
    await withArm(options, arm, async (under) => {
      for (const workload of wanted) {
        if (leftOut.some((one) => one.workload === workload.id)) continue;
        const driver = driverOf(under, plan.conditions[0] ?? "loopback");
        const opened = await workload.open(driver.connections);
        try {
          const problem = await probe(driver, opened);
          if (problem !== undefined) {
            leftOut.push({ workload: workload.id, reason: problem });
            continue;
          }
          await closed(driver, opened, workload.concurrency, plan.warmUpMs, 0);
          for (const condition of plan.conditions) {
            const scenario = { workload: workload.id, condition };
            const to = driverOf(under, condition);
            const slice = await closed(to, opened, workload.concurrency, plan.throughputMs, 10_000);
            const known = capacities.get(keyOf(scenario))?.lowest ?? Number.POSITIVE_INFINITY;
            const capacity = slice.slice.completed / (slice.slice.durationMs / 1000);
            capacities.set(keyOf(scenario), { scenario, lowest: Math.min(known, capacity) });
          }
        } finally {
          opened.close();
        }
      }
    });
  }
  return {
    leftOut,
    workloads: wanted.filter(({ id }) => !leftOut.some((one) => one.workload === id)),
    rates: [...capacities.values()].map(({ scenario, lowest }) => ({
      ...scenario,
      rate: Math.max(2, openLoad * lowest),
    })),
  };
}

/** Undefined when calls are answered with OK; the first ones may find connections that are only being made. */
async function probe(driver: CallDriver, opened: OpenWorkload): Promise<string | undefined> {
  let status = noStatus;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const answered = Promise.withResolvers<number>();
    driver.send(opened.call(attempt), answered.resolve);
    const timer = setTimeout(() => answered.resolve(noStatus), probeMs);
    status = await answered.promise;
    clearTimeout(timer);
    if (status === 0) return undefined;
  }
  return status === noStatus
    ? `no call was answered within ${probeMs / 1000} s`
    : `the system answers with gRPC status ${status}`;
}

interface Under {
  readonly cluster: Cluster;
  readonly drivers: ReadonlyMap<LinkName, CallDriver>;
}

async function withArm(
  options: AblationOptions,
  arm: AblationArm,
  use: (under: Under) => Promise<void>,
): Promise<void> {
  const cluster = await options.startCluster(arm);
  const drivers = new Map<LinkName, CallDriver>();
  try {
    for (const [condition, address] of cluster.addresses) {
      drivers.set(condition, await connectCallDriver(address, connectionsPerArm));
    }
    await use({ cluster, drivers });
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.close()));
    await cluster.stop();
  }
}

async function measureArm(
  options: AblationOptions,
  setup: Setup,
  arm: AblationArm,
  block: number,
  random: SeededRandom,
): Promise<AblationCell[]> {
  const { plan, signal } = options;
  const found: AblationCell[] = [];
  await withArm(options, arm, async (under) => {
    for (const workload of random.shuffled(setup.workloads)) {
      const home = driverOf(under, plan.conditions[0] ?? "loopback");
      const opened = await workload.open(home.connections);
      try {
        await probe(home, opened);
        await closed(home, opened, workload.concurrency, plan.warmUpMs, 0);
        for (const condition of random.shuffled(plan.conditions)) {
          signal.throwIfAborted();
          const scenario = { workload: workload.id, condition };
          const rate = setup.rates.find((one) => keyOf(one) === keyOf(scenario))?.rate ?? 2;
          // The same arrivals for every arm of a block.
          const arrivals = () => random.fork(`arrivals ${block} ${keyOf(scenario)}`);
          let measured = await measureCell(under, condition, workload, opened, rate, plan, arrivals());
          // A slice that does not count is measured again, for whichever arm.
          for (let again = 1; again < attempts && measured.invalid !== null; again++) {
            measured = await measureCell(under, condition, workload, opened, rate, plan, arrivals());
          }
          found.push({ ...scenario, block, cell: arm.cell, ...measured });
        }
      } finally {
        opened.close();
      }
    }
  });
  return found;
}

async function measureCell(
  { cluster, drivers }: Under,
  condition: LinkName,
  workload: ClusterWorkload,
  opened: OpenWorkload,
  rate: number,
  plan: AblationPlan,
  random: SeededRandom,
): Promise<Pick<AblationCell, "values" | "generatorUtilization" | "invalid">> {
  const driver = driverOf({ cluster, drivers }, condition);
  const firstIndex = random.below(1_000_000);
  const bytes = () => driver.wireBytes().sent + driver.wireBytes().received;
  const [before, bytesBefore] = [await cluster.usage(), bytes()];
  const { slice, calls } = await closed(driver, opened, workload.concurrency, plan.throughputMs, firstIndex);
  const [after, bytesAfter] = [await cluster.usage(), bytes()];
  const open = mergeSlices(
    (
      await runOpenLoop({
        plan: poissonArrivals({ ratePerSecond: rate, durationMs: plan.latencyMs }, random),
        arms: [{ name: workload.id, driver, request: (index) => opened.call(firstIndex + calls + index) }],
        sliceMs: plan.latencyMs,
      })
    ).arms.flatMap((one) => one.slices),
  );
  const each = (amount: number) => (calls > 0 ? amount / calls : null);
  const expected = (rate * plan.latencyMs) / 1000;
  const percentile = (percent: number) => {
    // A percentile that no call is expected to exceed is only the maximum.
    if (expected * (1 - percent / 100) < 1) return null;
    const micros = percentileMicros(open.latency, percent);
    return micros === null ? null : micros / 1000;
  };
  return {
    values: {
      callsPerSecond: slice.completed / (slice.durationMs / 1000),
      p50Ms: percentile(50),
      p99Ms: percentile(99),
      cpuMicrosPerCall: each(after.cpuMicros - before.cpuMicros),
      allocatedBytesPerCall:
        after.allocatedBytes === null || before.allocatedBytes === null
          ? null
          : each(after.allocatedBytes - before.allocatedBytes),
      wireBytesPerCall: each(bytesAfter - bytesBefore),
      memoryBytes: after.memoryBytes,
    },
    generatorUtilization: Math.max(slice.generatorUtilization, open.generatorUtilization),
    invalid: whyInvalid(slice, open),
  };
}

/** `calls`: all that were made, those too that ended while the loop drained. */
async function closed(
  driver: CallDriver,
  opened: OpenWorkload,
  concurrency: number,
  durationMs: number,
  firstIndex: number,
): Promise<{ readonly slice: Slice; readonly calls: number }> {
  const arm = { name: "arm", driver, request: opened.call };
  const result = await runClosedLoop({ arm, concurrency, durationMs, firstIndex });
  const slice = mergeSlices(result.arms.flatMap((one) => one.slices));
  return { slice, calls: slice.intended + result.endedAfter };
}

function whyInvalid(throughput: Slice, latency: Slice): string | null {
  const reasons = [...throughput.invalidBecause, ...latency.invalidBecause];
  if (throughput.generatorUtilization > generatorUtilizationLimit) {
    reasons.push(`generator busy: event loop above ${generatorUtilizationLimit}`);
  }
  const statuses = [throughput, latency].flatMap(({ statusCounts }) =>
    Object.entries(statusCounts).flatMap(([status, count]) =>
      status === "0" ? [] : [`${count} × status ${status}`],
    ),
  );
  return reasons.length === 0 ? null : [...new Set(reasons), ...statuses].join("; ");
}

function driverOf({ drivers }: Under, condition: LinkName): CallDriver {
  const driver = drivers.get(condition);
  if (driver === undefined) throw new RangeError(`no connections for ${condition}`);
  return driver;
}

export const keyOf = ({ workload, condition }: AblationScenario): string => `${workload}/${condition}`;
