// What a call costs the server's CPU while it is busy: one schedule of arrivals for both arms at once on the core they share, each call to base
// or head by a coin, and the CPU of each process as the kernel tells it. What else happens to the core happens to both. Short of
// saturation, since there the scheduler splits the core unequally, and an arm that gets longer turns takes its calls in larger batches.

import { poissonArrivals } from "#harness/load/arrivals.ts";
import { runOpenLoop } from "#harness/load/open-loop.ts";
import { mergeSlices } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import type { ArmName } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import type { RunningArm } from "./running-arm.ts";
import type { BusyPair, BusySlice } from "./slice-pairs.ts";

/** Share of the slower arm's capacity that both get together. */
const busyLoad = 0.65;

export async function measureBusy(
  { base, head }: Readonly<Record<ArmName, RunningArm>>,
  capacity: number,
  { busySlices, busySliceMs }: Pick<GatePlan, "busySlices" | "busySliceMs">,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<BusyPair[]> {
  const pairs: BusyPair[] = [];
  for (let slice = 0; slice < busySlices; slice++) {
    const first = random.below(1_000_000);
    const plan = poissonArrivals(
      { ratePerSecond: busyLoad * capacity, durationMs: busySliceMs, arms: 2 },
      random,
    );
    const arms = [base, head].map(({ name, driver, request }) => ({
      name,
      driver,
      request: (index: number) => request(first + index),
    }));
    const before = await snapshots(base, head);
    const { arms: results } = await runOpenLoop({ plan, arms, sliceMs: busySliceMs, signal });
    const after = await snapshots(base, head);
    const reasons = new Set(results.flatMap(({ slices }) => mergeSlices(slices).invalidBecause));
    pairs.push({
      base: busySlice(before[0], after[0]),
      head: busySlice(before[1], after[1]),
      invalid: reasons.size === 0 ? null : [...reasons].join("; "),
    });
  }
  return pairs;
}

function snapshots(base: RunningArm, head: RunningArm): Promise<[RuntimeSnapshot, RuntimeSnapshot]> {
  return Promise.all([base.system.runtime(), head.system.runtime()]);
}

function busySlice(before: RuntimeSnapshot, after: RuntimeSnapshot): BusySlice {
  const calls = after.calls - before.calls;
  return { calls, cpuMicrosPerCall: calls > 0 ? (after.cpuMicros - before.cpuMicros) / calls : null };
}
