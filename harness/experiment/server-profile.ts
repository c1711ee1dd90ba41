// One CPU profile of a server under load. A profiler slows what it watches, so it runs after everything of a restart is measured, on a
// process that is stopped then.

import { runClosedLoop } from "#harness/load/closed-loop.ts";
import type { CpuProfile } from "#harness/sut/cpu-profile.ts";
import { type FlameTree, flameTree } from "#harness/sut/flame-tree.ts";
import type { ArmUnderTest } from "./arm-under-test.ts";
import type { WorkloadId } from "./slice-record.ts";
import type { Workload } from "./workload.ts";

export interface ServerProfile {
  readonly arm: string;
  /** Whose requests took turns. */
  readonly workloads: readonly WorkloadId[];
  readonly seconds: number;
  /** Whole, as it is kept in a .cpuprofile. */
  readonly profile: CpuProfile;
  readonly tree: FlameTree;
}

/** The load begins before the profile and ends after it. */
const AROUND_MS = 400;

/** Over loopback, in a closed loop, so that the server is the limit. */
export async function profileServer(
  under: ArmUnderTest,
  workloads: readonly Workload[],
  seconds: number,
): Promise<ServerProfile> {
  const load = runClosedLoop({
    arm: {
      name: under.arm.id,
      driver: under.drivers.loopback,
      request: (index) => {
        const workload = workloads[index % workloads.length];
        if (workload === undefined) throw new RangeError("a profile needs a workload");
        return workload.request(Math.floor(index / workloads.length));
      },
    },
    concurrency: Math.max(...workloads.map(({ concurrency }) => concurrency.loopback)),
    durationMs: seconds * 1000 + AROUND_MS,
  });
  const [profile] = await Promise.all([under.system.profile(seconds), load]);
  const tree = flameTree(profile);
  return { arm: under.arm.id, workloads: workloads.map(({ id }) => id), seconds, profile, tree };
}
