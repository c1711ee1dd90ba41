// What an arm's own counters say of a fixed sequence of calls.

import { hitRatio, parseCacheCounters } from "#harness/experiment/cache-counters.ts";
import { countedCalls } from "./counted-calls.ts";
import type { RunningArm } from "./gate-restart.ts";
import type { CounterMetricId } from "./metrics.ts";

/** Null where the system does not tell. */
export type ArmCounters = Readonly<Record<CounterMetricId, number | null>>;

export async function readCounters(
  arm: RunningArm,
  calls: number,
  concurrency: number,
): Promise<ArmCounters> {
  const { system, driver } = arm;
  const cacheBefore = parseCacheCounters(await system.metrics());
  const before = await system.runtime();
  const bytesBefore = bytesOf(driver.wireBytes());
  await countedCalls(arm, calls, concurrency);
  const bytes = bytesOf(driver.wireBytes()) - bytesBefore;
  const after = await system.runtime();
  const hits = hitRatio(cacheBefore, parseCacheCounters(await system.metrics()));
  return {
    allocatedBytesPerCall:
      before.allocatedBytes === null || after.allocatedBytes === null
        ? null
        : (after.allocatedBytes - before.allocatedBytes) / calls,
    wireBytesPerCall: bytes / calls,
    databaseQueriesPerCall: (after.databaseQueries - before.databaseQueries) / calls,
    cacheMissRatio: hits === null ? null : 1 - hits,
  };
}

function bytesOf({ sent, received }: { readonly sent: number; readonly received: number }): number {
  return sent + received;
}
