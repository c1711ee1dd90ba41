// Both arms saturated at once on the core they share: what else happens to the core happens to both, and the kernel tells the CPU
// of each process apart, so being two costs nothing of the difference. Turns of one arm after the other see other neighbours, and
// need four times as long for the same interval. Calls per second are what the scheduler left to each, so they say less.

import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { mergeSlices, type Slice } from "#harness/load/slice.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";
import type { ArmName } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { callsInFlight, type RunningArm } from "./running-arm.ts";
import type { SaturatedPair, SaturatedSlice } from "./slice-pairs.ts";

/** Above it the generator hides what it measures. */
const busiestGenerator = 0.9;

export async function measureSaturated(
  { base, head }: Readonly<Record<ArmName, RunningArm>>,
  { saturatedSlices, saturatedSliceMs }: Pick<GatePlan, "saturatedSlices" | "saturatedSliceMs">,
  random: SeededRandom,
  signal: AbortSignal,
): Promise<SaturatedPair[]> {
  const pairs: SaturatedPair[] = [];
  for (let slice = 0; slice < saturatedSlices; slice++) {
    signal.throwIfAborted();
    pairs.push(await saturatedPair([base, head], random.below(1_000_000), saturatedSliceMs));
  }
  return pairs;
}

async function saturatedPair(
  arms: readonly [RunningArm, RunningArm],
  firstIndex: number,
  durationMs: number,
): Promise<SaturatedPair> {
  const snapshots = () => Promise.all([arms[0].system.runtime(), arms[1].system.runtime()]);
  const load = (arm: RunningArm) =>
    runClosedLoop({ arm, concurrency: callsInFlight, durationMs, firstIndex });
  const before = await snapshots();
  const results = await Promise.all([load(arms[0]), load(arms[1])]);
  const after = await snapshots();
  const slice = (i: 0 | 1) =>
    saturatedSlice(mergeSlices(results[i].arms.flatMap(({ slices }) => slices)), before[i], after[i]);
  return { base: slice(0), head: slice(1) };
}

function saturatedSlice(slice: Slice, before: RuntimeSnapshot, after: RuntimeSnapshot): SaturatedSlice {
  const calls = after.calls - before.calls;
  const reasons = [
    ...slice.invalidBecause,
    ...(slice.generatorUtilization > busiestGenerator
      ? [`generator busy: event loop above ${busiestGenerator}`]
      : []),
  ];
  return {
    callsPerSecond: slice.completed / (slice.durationMs / 1000),
    cpuMicrosPerCall: calls > 0 ? (after.cpuMicros - before.cpuMicros) / calls : null,
    invalid: reasons.length === 0 ? null : reasons.join("; "),
  };
}
