// Both arms at light load at once: one schedule of arrivals, each to base or head by a coin, timed from when it was meant to be sent.

import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { ArmName } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { callsInFlight, type RunningArm } from "./running-arm.ts";
import { type LatencyPair, latencyPairs } from "./slice-pairs.ts";

/** Share of the slower arm's capacity that both get together. */
const openLoad = 0.45;
const lowestRate = 40;
/** Calls of an arm in a slice below which its 99th percentile is its maximum. */
const fewestCallsASlice = 150;

/** Calls per second of the slower arm, alone on its core. */
export async function findCapacity(running: readonly RunningArm[], durationMs: number): Promise<number> {
  const capacities: number[] = [];
  for (const arm of running) {
    const { arms } = await runClosedLoop({ arm, concurrency: callsInFlight, durationMs });
    const slice = mergeSlices(arms.flatMap(({ slices }) => slices));
    capacities.push(slice.completed / (slice.durationMs / 1000));
  }
  return Math.max(lowestRate, Math.min(...capacities));
}

export async function measureLatency(
  { base, head }: Readonly<Record<ArmName, RunningArm>>,
  capacity: number,
  plan: Pick<GatePlan, "latencyMs" | "latencySliceMs">,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<LatencyPair[]> {
  const ratePerSecond = openLoad * capacity;
  const first = random.below(1_000_000);
  const result = await runOpenLoop({
    plan: poissonArrivals({ ratePerSecond, durationMs: plan.latencyMs, arms: 2 }, random),
    arms: [base, head].map(({ name, driver, request }) => ({
      name,
      driver,
      request: (index: number) => request(first + index),
    })),
    sliceMs: latencySliceMs(plan, ratePerSecond),
    signal,
  });
  return latencyPairs(result);
}

/** The slice grows until both arms have calls enough in it: by the rate alone, the same for both, before anything is seen. */
function latencySliceMs(plan: Pick<GatePlan, "latencyMs" | "latencySliceMs">, ratePerSecond: number): number {
  const needed = (1000 * 2 * fewestCallsASlice) / ratePerSecond;
  return Math.min(plan.latencyMs, plan.latencySliceMs * Math.max(1, Math.ceil(needed / plan.latencySliceMs)));
}
