// The highest rate within a latency limit for some arms: one search for each, on a fresh cluster.

import type { AblationArm } from "./ablation-design.ts";
import {
  type CapacityOptions,
  fewConnections,
  throughputOf,
  trialAt,
  untilAborted,
  withCluster,
} from "./capacity-load.ts";
import { type Saturation, searchSaturation } from "./saturation-search.ts";

export interface ArmSaturation extends Saturation {
  readonly arm: string;
}

/** Of what the loop that waits for answers does: where a search begins. */
const startShare = 0.5;
const lowestRate = 8;

/** Interrupted, it gives those that are complete. */
export async function searchArms(
  options: CapacityOptions,
  arms: readonly AblationArm[],
): Promise<ArmSaturation[]> {
  const { plan, workload, random, signal, onStep } = options;
  const found: ArmSaturation[] = [];
  await untilAborted(signal, async () => {
    for (const arm of arms) {
      onStep(`saturation of ${arm.label}`);
      await withCluster(options, arm, undefined, (connectTo) =>
        connectTo(fewConnections, async (driver, opened) => {
          const capacity = await throughputOf(driver, opened, workload.concurrency.near, plan.warmUpMs);
          let slice = 0;
          const measure = (rate: number) => {
            signal.throwIfAborted();
            return trialAt(driver, opened, rate, plan.searchSliceMs, random.fork(`search ${slice++}`));
          };
          const search = {
            measure,
            limits: { p99Ms: plan.p99Ms },
            startRate: Math.max(lowestRate, capacity.callsPerSecond * startShare),
            repeats: plan.searchRepeats,
            precision: plan.precision,
          };
          found.push({ arm: arm.label, ...(await searchSaturation(search)) });
        }),
      );
    }
  });
  return found;
}
