// What the arms' own counters say of a fixed sequence of calls, made twice. First by processes that have just started, whose caches
// are empty: what is missed and asked of the database is then a property of the calls, not of how long ago a page was stored.
// Then, warm, with everything in the caches: bytes on the wire, and bytes allocated, in turns short enough for the median to
// leave out a turn in which something else happened. Times play no part.

import { hitRatio, parseCacheCounters } from "#harness/experiment/cache-counters.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { countedCalls } from "./counted-calls.ts";
import { type ArmName, armNames } from "./gate-arms.ts";
import type { GatePlan } from "./gate-plan.ts";
import { median } from "./median.ts";
import type { CounterMetricId } from "./metrics.ts";
import type { RunningArm } from "./running-arm.ts";

/** Null where the system does not tell. */
export type ArmCounters = Readonly<Record<CounterMetricId, number | null>>;

export type ColdCounters = Pick<ArmCounters, "databaseQueriesPerCall" | "cacheMissRatio">;
export type WarmCounters = Pick<ArmCounters, "allocatedBytesPerCall" | "wireBytesPerCall">;

/** Of a process that has answered nothing yet. */
export async function countCold(arm: RunningArm, calls: number, concurrency: number): Promise<ColdCounters> {
  const { system } = arm;
  const cacheBefore = parseCacheCounters(await system.metrics());
  const before = await system.runtime();
  await countedCalls(arm, { count: calls, concurrency });
  const after = await system.runtime();
  const hits = hitRatio(cacheBefore, parseCacheCounters(await system.metrics()));
  return {
    databaseQueriesPerCall: (after.databaseQueries - before.databaseQueries) / calls,
    cacheMissRatio: hits === null ? null : 1 - hits,
  };
}

/** Of warm processes, which take turns in random order. Makes the same calls once before, so that they are in the caches. */
export async function countWarm(
  running: readonly RunningArm[],
  { countedCalls: count, countedTurn }: Pick<GatePlan, "countedCalls" | "countedTurn">,
  concurrency: number,
  random: SeededRandom,
): Promise<Readonly<Record<ArmName, WarmCounters>>> {
  await Promise.all(running.map((arm) => countedCalls(arm, { count, concurrency })));
  const turns = new Map<ArmName, { allocated: (number | null)[]; wireBytes: number }>(
    armNames.map((name) => [name, { allocated: [], wireBytes: 0 }]),
  );
  for (let first = 0; first < count; first += countedTurn) {
    const calls = Math.min(countedTurn, count - first);
    for (const arm of random.shuffled(running)) {
      const turn = await countTurn(arm, first, calls, concurrency);
      const sum = turns.get(arm.name);
      sum?.allocated.push(turn.allocated);
      if (sum !== undefined) sum.wireBytes += turn.wireBytes;
    }
  }
  const of = (name: ArmName): WarmCounters => {
    const { allocated = [], wireBytes = 0 } = turns.get(name) ?? {};
    const known = allocated.filter((value) => value !== null);
    return {
      allocatedBytesPerCall: known.length === 0 ? null : median(known),
      wireBytesPerCall: wireBytes / count,
    };
  };
  return { base: of("base"), head: of("head") };
}

async function countTurn(arm: RunningArm, first: number, calls: number, concurrency: number) {
  const { system, driver } = arm;
  const before = (await system.runtime()).allocatedBytes;
  const bytesBefore = bytesOf(driver.wireBytes());
  await countedCalls(arm, { first, count: calls, concurrency });
  const wireBytes = bytesOf(driver.wireBytes()) - bytesBefore;
  const after = (await system.runtime()).allocatedBytes;
  return { allocated: before === null || after === null ? null : (after - before) / calls, wireBytes };
}

function bytesOf({ sent, received }: { readonly sent: number; readonly received: number }): number {
  return sent + received;
}
