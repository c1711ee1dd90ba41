// Measures one slice of one arm: load, with the server's and the database's counters read on both sides of it.

import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import type { WireBytes } from "#harness/load/driver.ts";
import { type Latency, percentileMicros } from "#harness/load/latency.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { type LoadResult, mergeSlices, type Slice } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { DatabaseCpu } from "#harness/sut/database-cpu.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import type { ArmUnderTest } from "./arm-under-test.ts";
import { hitRatio, parseCacheCounters } from "./cache-counters.ts";
import type { MetricId } from "./metrics.ts";
import { processUse } from "./process-use.ts";
import type { LinkId, SliceRecord } from "./slice-record.ts";
import type { Workload } from "./workload.ts";

export interface SlicePlace {
  readonly restart: number;
  readonly round: number;
  readonly link: LinkId;
  readonly workload: Workload;
  /** Where in the workload's sequence the slice begins: the same for every arm of a round. */
  readonly firstIndex: number;
  readonly durationMs: number;
}

/** The rule for closed loops, as strict as the one for open loops: a busy generator hides the server. */
export const generatorUtilizationLimit = 0.7;

const unknown: Readonly<Record<MetricId, null>> = {
  callsPerSecond: null,
  p50Ms: null,
  p90Ms: null,
  p99Ms: null,
  cpuMicrosPerCall: null,
  databaseCpuMicrosPerCall: null,
  allocatedBytesPerCall: null,
  wireBytesPerCall: null,
  databaseQueriesPerCall: null,
  cacheHitRatio: null,
};

/** Throughput and what a call costs: a closed loop. Costs are read over loopback only, where the server is the limit. */
export async function throughputSlice(
  under: ArmUnderTest,
  place: SlicePlace,
  database: DatabaseCpu,
): Promise<SliceRecord> {
  const { workload, link, durationMs, firstIndex } = place;
  const readsCache = link === "loopback" && under.arm.on.includes("caching");
  const cacheBefore = readsCache ? parseCacheCounters(await under.system.metrics()) : undefined;
  const databaseBefore = await database.micros();
  const before = await under.system.runtime();
  const wireBefore = totalBytes(under.drivers[link].wireBytes());
  const result = await runClosedLoop({
    arm: { name: under.arm.id, driver: under.drivers[link], request: workload.request },
    concurrency: workload.concurrency[link],
    durationMs,
    firstIndex,
  });
  const wireBytes = totalBytes(under.drivers[link].wireBytes()) - wireBefore;
  const after = await under.system.runtime();
  const databaseAfter = await database.micros();
  const cacheAfter = readsCache ? parseCacheCounters(await under.system.metrics()) : undefined;
  const slice = sliceOf(result);
  const databaseMicros =
    databaseBefore === undefined || databaseAfter === undefined ? null : databaseAfter - databaseBefore;
  return {
    ...record(under, place, "throughput", slice),
    process: processUse(before, after),
    sendLagP99Ms: null,
    values: {
      ...unknown,
      callsPerSecond: slice.completed / (slice.durationMs / 1000),
      // All calls of the loop, those that ended while it drained too: their bytes are in the sum.
      wireBytesPerCall: perCall(wireBytes, slice.intended + result.endedAfter),
      ...(link === "loopback" ? costs(before, after, databaseMicros) : {}),
      cacheHitRatio: cacheBefore && cacheAfter ? hitRatio(cacheBefore, cacheAfter) : null,
    },
  };
}

export interface MeasuredLatency {
  readonly record: SliceRecord;
  /** For the distribution; empty where the slice does not count. */
  readonly latency: Latency;
}

/** Latency from the intended time: an open loop with Poisson arrivals at a rate that is the same for every arm. */
export async function latencySlice(
  under: ArmUnderTest,
  place: SlicePlace,
  ratePerSecond: number,
  random: SeededRandom,
): Promise<MeasuredLatency> {
  const { workload, link, durationMs, firstIndex } = place;
  const before = await under.system.runtime();
  const result = await runOpenLoop({
    plan: poissonArrivals({ ratePerSecond, durationMs }, random),
    arms: [
      {
        name: under.arm.id,
        driver: under.drivers[link],
        request: (index) => workload.request(firstIndex + index),
      },
    ],
    sliceMs: durationMs,
  });
  const after = await under.system.runtime();
  const slice = sliceOf(result);
  const expectedCalls = (ratePerSecond * durationMs) / 1000;
  const ms = (latency: Latency, percent: number) => {
    // A percentile that no call is expected to exceed is only the maximum. By the plan, so that no slice decides for itself.
    if (expectedCalls * (1 - percent / 100) < 1) return null;
    const micros = percentileMicros(latency, percent);
    return micros === null ? null : micros / 1000;
  };
  return {
    latency: slice.latency,
    record: {
      ...record(under, place, "latency", slice),
      process: processUse(before, after),
      sendLagP99Ms: (percentileMicros(slice.sendLag, 99) ?? 0) / 1000,
      values: {
        ...unknown,
        p50Ms: ms(slice.latency, 50),
        p90Ms: ms(slice.latency, 90),
        p99Ms: ms(slice.latency, 99),
      },
    },
  };
}

/** Of the process and the database over the slice, for each call that the server ended in it. */
function costs(before: RuntimeSnapshot, after: RuntimeSnapshot, databaseMicros: number | null) {
  const calls = after.calls - before.calls;
  return {
    cpuMicrosPerCall: perCall(after.cpuMicros - before.cpuMicros, calls),
    databaseCpuMicrosPerCall: databaseMicros === null ? null : perCall(databaseMicros, calls),
    allocatedBytesPerCall:
      before.allocatedBytes === null || after.allocatedBytes === null
        ? null
        : perCall(after.allocatedBytes - before.allocatedBytes, calls),
    databaseQueriesPerCall: perCall(after.databaseQueries - before.databaseQueries, calls),
  };
}

function record(
  under: ArmUnderTest,
  { restart, round, workload, link }: SlicePlace,
  phase: SliceRecord["phase"],
  slice: Slice,
): Omit<SliceRecord, "values" | "sendLagP99Ms" | "process"> {
  return {
    workload: workload.id,
    link,
    restart,
    round,
    phase,
    arm: under.arm.id,
    startedAtMs: slice.startedAt,
    seconds: slice.durationMs / 1000,
    calls: slice.intended,
    failures: slice.failed + slice.unknown,
    generatorUtilization: slice.generatorUtilization,
    invalid: invalidBecause(slice),
  };
}

function invalidBecause(slice: Slice): string | null {
  const reasons = [...slice.invalidBecause];
  if (slice.loop === "closed" && slice.generatorUtilization > generatorUtilizationLimit) {
    reasons.push(`generator busy: event loop above ${generatorUtilizationLimit}`);
  }
  if (reasons.length === 0) return null;
  const statuses = Object.entries(slice.statusCounts).filter(([status]) => status !== "0");
  const detail = statuses.map(([status, count]) => `${count} × status ${status}`).join(", ");
  return [...reasons, ...(detail === "" ? [] : [detail])].join("; ");
}

function sliceOf(result: LoadResult): Slice {
  return mergeSlices(result.arms.flatMap((arm) => arm.slices));
}

function totalBytes({ sent, received }: WireBytes): number {
  return sent + received;
}

function perCall(amount: number, calls: number): number | null {
  return calls > 0 ? amount / calls : null;
}
