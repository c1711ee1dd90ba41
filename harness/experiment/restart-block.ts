// One restart: every arm as a fresh process in random order, each warmed, then measured in slices that take turns in random
// order. The unit of replication: nothing of an earlier restart is alive in it but the database.

import { setTimeout as sleep } from "node:timers/promises";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import type { Latency } from "#harness/load/latency.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import { type WarmUp, warmUp } from "#harness/load/warm-up.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { DatabaseCpu } from "#harness/sut/database-cpu.ts";
import { SystemDiedError } from "#harness/sut/system-died-error.ts";
import { type ArmParts, type ArmUnderTest, startArm } from "./arm-under-test.ts";
import { arms } from "./arms.ts";
import { latencySlice, type SlicePlace, throughputSlice } from "./measure-slice.ts";
import type { RunPlan } from "./run-plan.ts";
import { profileServer, type ServerProfile } from "./server-profile.ts";
import type { LinkId, Scenario, SliceRecord } from "./slice-record.ts";
import { spinCanary } from "./spin-canary.ts";
import type { Workload } from "./workload.ts";

export interface BlockOptions {
  readonly restart: number;
  readonly plan: RunPlan;
  readonly parts: ArmParts;
  readonly workloads: readonly Workload[];
  readonly database: DatabaseCpu;
  readonly random: SeededRandom;
  /** Rates of the open loops; undefined in the first restart, which finds them. */
  readonly rates: RateTable | undefined;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

/** For each scenario the slowest arm's capacity and the rate that follows from it. */
export type RateTable = readonly (Scenario & {
  readonly slowestCapacity: number;
  readonly openRate: number;
})[];

export interface BlockResult {
  readonly order: readonly string[];
  readonly seconds: number;
  readonly canaryBefore: number;
  readonly canaryAfter: number;
  readonly arms: readonly {
    readonly arm: string;
    readonly startMs: number;
    readonly warmUpCalls: number;
    readonly steady: boolean;
  }[];
  readonly slices: readonly SliceRecord[];
  readonly latencies: readonly (Scenario & { readonly arm: string; readonly latency: Latency })[];
  readonly rates: RateTable;
  /** Of the arm with everything on; the first restart takes it. */
  readonly profile: ServerProfile | undefined;
  /** Of the server's process. */
  readonly node: { readonly version: string; readonly v8: string; readonly flags: readonly string[] };
}

export const links: readonly LinkId[] = ["loopback", "shaped"];

/** Share of the slowest arm's capacity at which latency is measured: far enough from saturation to be stable. */
const openLoad = 0.45;

export async function runBlock(options: BlockOptions): Promise<BlockResult> {
  const { parts, random, onStep, signal } = options;
  const began = performance.now();
  const canaryBefore = spinCanary();
  const order = random.shuffled(arms);
  onStep("starting the arms");
  const under = await startAll(order, parts);
  try {
    const warm = await warmAll(under, options);
    signal.throwIfAborted();
    const rates = options.rates ?? (await findRates(under, options));
    const { slices, latencies } = await measureAll(under, rates, options);
    const canaryAfter = spinCanary();
    const profile = await profileOnce(under, options);
    const runtime = await under[0]?.system.runtime();
    return {
      order: order.map((arm) => arm.id),
      canaryBefore,
      canaryAfter,
      arms: under.map(({ arm, system }, i) => ({
        arm: arm.id,
        startMs: system.startMs,
        warmUpCalls: (warm[i] ?? []).reduce((sum, one) => sum + one.calls, 0),
        steady: (warm[i] ?? []).every((one) => one.endedBy === "steady"),
      })),
      slices,
      latencies,
      rates,
      profile,
      node: { version: runtime?.node ?? "", v8: runtime?.v8 ?? "", flags: runtime?.execArgv ?? [] },
      seconds: (performance.now() - began) / 1000,
    };
  } catch (error) {
    throw (await deathAmong(under, error)) ?? error;
  } finally {
    await Promise.all(under.map((one) => one.stop()));
  }
}

async function profileOnce(
  under: readonly ArmUnderTest[],
  { restart, plan, workloads, onStep }: BlockOptions,
): Promise<ServerProfile | undefined> {
  const all = under.find(({ arm }) => arm.id === arms.at(-1)?.id);
  if (restart > 0 || all === undefined) return undefined;
  onStep("a profile of the server under load");
  return profileServer(all, workloads, plan.profileSeconds);
}

/** A refused connection says little; that its system has died says why. */
async function deathAmong(
  under: readonly ArmUnderTest[],
  cause: unknown,
): Promise<SystemDiedError | undefined> {
  const patience = sleep(300, undefined, { ref: false });
  for (const { system } of under) {
    const how = await Promise.race([system.ended, patience]);
    if (how !== undefined) return new SystemDiedError(system.name, how, system.logTail(), { cause });
  }
  return undefined;
}

/** All or none: when one does not start, the others are stopped. */
async function startAll(order: typeof arms, parts: ArmParts): Promise<ArmUnderTest[]> {
  const attempts = await Promise.allSettled(order.map((arm) => startArm(arm, parts)));
  const started = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value] : []));
  const failed = attempts.find((attempt) => attempt.status === "rejected");
  if (!failed) return started;
  await Promise.all(started.map((one) => one.stop()));
  throw failed.reason;
}

/** Each arm with each workload, in random order. */
async function warmAll(under: readonly ArmUnderTest[], options: BlockOptions): Promise<WarmUp[][]> {
  const { plan, workloads, random, onStep, signal } = options;
  const results: WarmUp[][] = [];
  for (const [i, one] of under.entries()) {
    signal.throwIfAborted();
    onStep(`warming up ${i + 1} of ${under.length}`);
    const ofArm: WarmUp[] = [];
    for (const workload of random.shuffled(workloads)) {
      const arm = { name: one.arm.id, driver: one.drivers.loopback, request: workload.request };
      ofArm.push(
        await warmUp({
          drive: (durationMs) =>
            runClosedLoop({ arm, concurrency: workload.concurrency.loopback, durationMs }),
          probe: async () => {
            const { calls, cpuMicros } = await one.system.runtime();
            return { calls, cost: cpuMicros };
          },
          minCalls: plan.warmUpCalls,
          windowMs: plan.warmUpMs / 4,
          capMs: plan.warmUpMs,
        }),
      );
    }
    results.push(ofArm);
  }
  return results;
}

async function findRates(under: readonly ArmUnderTest[], options: BlockOptions): Promise<RateTable> {
  const { plan, workloads, onStep } = options;
  const table: RateTable[number][] = [];
  for (const workload of workloads)
    for (const link of links) {
      onStep("finding the rates of the open loops");
      const capacities: number[] = [];
      for (const one of under) {
        const result = await runClosedLoop({
          arm: { name: one.arm.id, driver: one.drivers[link], request: workload.request },
          concurrency: workload.concurrency[link],
          durationMs: plan.capacitySliceMs,
        });
        const slice = mergeSlices(result.arms.flatMap((arm) => arm.slices));
        capacities.push(slice.completed / (slice.durationMs / 1000));
      }
      const slowestCapacity = Math.min(...capacities);
      table.push({
        workload: workload.id,
        link,
        slowestCapacity,
        openRate: Math.max(10, openLoad * slowestCapacity),
      });
    }
  return table;
}

async function measureAll(under: readonly ArmUnderTest[], rates: RateTable, options: BlockOptions) {
  const { plan, workloads, random, database, onStep, signal, restart } = options;
  const slices: SliceRecord[] = [];
  const latencies: BlockResult["latencies"][number][] = [];
  for (const link of links)
    for (const workload of random.shuffled(workloads)) {
      const rate = rates.find((one) => one.workload === workload.id && one.link === link)?.openRate ?? 10;
      const lengths = link === "shaped" ? shapedLengths(plan) : loopbackLengths(plan);
      onStep(`${workload.id} over ${link}`);
      for (let round = 0; round < lengths.rounds; round++) {
        signal.throwIfAborted();
        const place = { restart, round, link, workload, firstIndex: random.below(1_000_000) };
        for (const one of random.shuffled(under)) {
          const slicePlace: SlicePlace = { ...place, durationMs: lengths.throughputMs };
          slices.push(await throughputSlice(one, slicePlace, database));
        }
        // One schedule for every arm of the round: what arrives when is then no difference between them.
        const schedule = `arrivals ${restart} ${round} ${link} ${workload.id}`;
        for (const one of random.shuffled(under)) {
          const slicePlace: SlicePlace = { ...place, durationMs: lengths.latencyMs };
          const { record, latency } = await latencySlice(one, slicePlace, rate, random.fork(schedule));
          slices.push(record);
          if (record.invalid === null)
            latencies.push({ workload: workload.id, link, arm: one.arm.id, latency });
        }
      }
    }
  return { slices, latencies };
}

function loopbackLengths(plan: RunPlan) {
  return { rounds: plan.rounds, throughputMs: plan.throughputSliceMs, latencyMs: plan.latencySliceMs };
}

function shapedLengths(plan: RunPlan) {
  return { rounds: plan.shapedRounds, throughputMs: plan.shapedSliceMs, latencyMs: plan.shapedSliceMs };
}
