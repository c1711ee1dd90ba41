// Measures one arm in one scenario: a closed loop for throughput and what a call costs, an open loop for latency, and steps of open loops for
// the highest rate within a limit of latency.

import type { LinkName } from "#harness/fault/links.ts";
import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { percentileMicros } from "#harness/load/latency.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices, type Slice } from "#harness/load/slice.ts";
import { defaultValidityLimits, reasonsInvalid } from "#harness/load/slice-validity.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { AblationMetricId } from "./ablation-design.ts";
import { type AblationPlan, latencyLengthMs, roundTripOf, sliceLengths } from "./ablation-plan.ts";
import type { ArmCluster } from "./arm-cluster.ts";
import type { CallDriver } from "./call-driver.ts";
import type { ClusterWorkload, OpenWorkload } from "./cluster-workload.ts";
import { highestStep } from "./highest-step.ts";
import { generatorUtilizationLimit } from "./measure-slice.ts";

export interface CellPlace {
  readonly under: ArmCluster;
  readonly condition: LinkName;
  readonly workload: ClusterWorkload;
  readonly opened: OpenWorkload;
  readonly plan: AblationPlan;
  /** Calls a second of the open loop. */
  readonly rate: number;
  readonly atLimit: boolean;
  /** The same for every arm of a block. */
  readonly random: SeededRandom;
}

export interface CellMeasurement {
  readonly values: Readonly<Record<AblationMetricId, number | null>>;
  readonly calls: number;
  readonly generatorUtilization: number;
  /** Why it does not count. */
  readonly invalid: string | null;
}

export async function measureCell(place: CellPlace): Promise<CellMeasurement> {
  const { under, condition, workload, opened, plan, rate, random } = place;
  const driver = under.driver(condition);
  const lengths = sliceLengths(plan, workload, condition);
  const latencyMs = latencyLengthMs(lengths.latencyMs, rate);
  const firstIndex = random.below(1_000_000);
  const bytes = () => driver.wireBytes().sent + driver.wireBytes().received;
  const [before, bytesBefore] = [await under.cluster.usage(), bytes()];
  const loop = { workload, opened, condition, firstIndex, ...lengths };
  const { slice, calls } = await closedLoop(driver, loop);
  const [after, bytesAfter] = [await under.cluster.usage(), bytes()];
  const latencyFrom = firstIndex + calls;
  const open = await openLoop(driver, opened, rate, latencyMs, latencyFrom, random.fork("latency"));
  const callsPerSecond = slice.completed / (slice.durationMs / 1000);
  const each = (amount: number) => (calls > 0 ? amount / calls : null);
  const expected = (rate * latencyMs) / 1000;
  const percentile = (percent: number) => {
    // A percentile that no call is expected to exceed is only the maximum.
    if (expected * (1 - percent / 100) < 1) return null;
    return millisecondsAt(open, percent);
  };
  return {
    values: {
      callsPerSecond,
      callsPerSecondAtLimit: place.atLimit
        ? await rateWithinLimit(place, driver, callsPerSecond, latencyFrom + open.intended)
        : null,
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
    calls: calls + open.intended,
    generatorUtilization: Math.max(slice.generatorUtilization, open.generatorUtilization),
    invalid: whyInvalid(slice, open),
  };
}

/** The 99th percentile that counts as within the limit, in milliseconds. */
export function limitOf({ limitMs }: Pick<ClusterWorkload, "limitMs">, condition: LinkName): number {
  return limitMs + roundTripOf(condition);
}

async function rateWithinLimit(
  { condition, workload, opened, plan, random }: CellPlace,
  driver: CallDriver,
  capacity: number,
  firstIndex: number,
): Promise<number | null> {
  const { stepMs } = sliceLengths(plan, workload, condition);
  const limit = limitOf(workload, condition);
  let index = firstIndex;
  return highestStep(capacity, async (rate, step) => {
    const slice = await openLoop(driver, opened, rate, stepMs, index, random.fork(`step ${step}`));
    index += slice.intended;
    const p99 = millisecondsAt(slice, 99);
    return slice.valid && p99 !== null && p99 <= limit;
  });
}

interface ClosedLoop {
  readonly workload: ClusterWorkload;
  readonly opened: OpenWorkload;
  readonly condition: LinkName;
  readonly firstIndex: number;
  readonly rampMs: number;
  readonly throughputMs: number;
}

/** Counted from the end of the ramp, when answers come as they are asked for. `calls`: all that were made, uncounted ones too. */
export async function closedLoop(
  driver: CallDriver,
  { workload, opened, condition, firstIndex, rampMs, throughputMs }: ClosedLoop,
): Promise<{ readonly slice: Slice; readonly calls: number }> {
  const result = await runClosedLoop({
    arm: { name: workload.id, driver, request: opened.call },
    concurrency: concurrencyOf(workload, condition),
    durationMs: rampMs + throughputMs,
    sliceMs: rampMs,
    firstIndex,
  });
  const all = result.arms.flatMap((one) => one.slices);
  const merged = mergeSlices(all.slice(1));
  // Short slices may hold no call where all of them together do.
  const invalidBecause = reasonsInvalid(
    {
      loop: "closed",
      utilization: merged.generatorUtilization,
      sendLagP99Micros: null,
      intended: merged.intended,
      failedOrUnknown: merged.failed + merged.unknown,
    },
    defaultValidityLimits,
  );
  const slice = { ...merged, invalidBecause, valid: invalidBecause.length === 0 };
  return { slice, calls: all.reduce((sum, { intended }) => sum + intended, result.endedAfter) };
}

/** On links of a region or more, as many calls as near would only wait for the link. */
export function concurrencyOf(
  { concurrency }: Pick<ClusterWorkload, "concurrency">,
  condition: LinkName,
): number {
  return roundTripOf(condition) >= 20 ? concurrency.far : concurrency.near;
}

async function openLoop(
  driver: CallDriver,
  opened: OpenWorkload,
  ratePerSecond: number,
  durationMs: number,
  firstIndex: number,
  random: SeededRandom,
): Promise<Slice> {
  const result = await runOpenLoop({
    plan: poissonArrivals({ ratePerSecond, durationMs }, random),
    arms: [{ name: "arm", driver, request: (index) => opened.call(firstIndex + index) }],
    sliceMs: durationMs,
  });
  return mergeSlices(result.arms.flatMap((one) => one.slices));
}

function millisecondsAt(slice: Slice, percent: number): number | null {
  const micros = percentileMicros(slice.latency, percent);
  return micros === null ? null : micros / 1000;
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
  return reasons.length === 0 ? null : [...new Set([...reasons, ...statuses])].join("; ");
}
