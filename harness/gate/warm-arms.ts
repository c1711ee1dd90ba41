// Warms both arms at once, so that each settles in the neighbourhood in which it is measured, and neither is warm for longer.

import { runClosedLoop } from "#harness/load/closed-loop.ts";
import { type WarmUp, warmUp } from "#harness/load/warm-up.ts";
import type { WarmUpPlan } from "./gate-plan.ts";
import { callsInFlight, type RunningArm } from "./running-arm.ts";

/** `callsBefore` of each arm count towards the plan's. The calls and costs of the answer are those of both together. */
export function warmArms(
  running: readonly RunningArm[],
  { calls, windowMs, capMs }: WarmUpPlan,
  callsBefore: number,
): Promise<WarmUp> {
  return warmUp({
    drive: (durationMs) =>
      Promise.all(running.map((arm) => runClosedLoop({ arm, concurrency: callsInFlight, durationMs }))),
    probe: async () => {
      const snapshots = await Promise.all(running.map(({ system }) => system.runtime()));
      return {
        calls: snapshots.reduce((sum, snapshot) => sum + snapshot.calls, 0),
        cost: snapshots.reduce((sum, snapshot) => sum + snapshot.cpuMicros, 0),
      };
    },
    minCalls: running.length * Math.max(0, calls - callsBefore),
    windowMs,
    capMs,
  });
}
