// What the server's process used over a slice, from its counters on both sides of it: for the course of a run, not for its effects.

import type { RuntimeSnapshot } from "#harness/sut/runtime-snapshot.ts";

export interface ProcessUse {
  /** Of one core; above 1 where V8's own threads work beside the program. */
  readonly cpuShare: number;
  /** Pauses for garbage collection, in each second. */
  readonly gcMsPerSecond: number;
  /** How late a timer of the event loop was, on average; null where the process does not tell or the slice was too short. */
  readonly loopDelayMs: number | null;
  /** At the end of the slice. */
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
}

/** Null when no time has passed in between. */
export function processUse(before: RuntimeSnapshot, after: RuntimeSnapshot): ProcessUse | null {
  const elapsedMs = after.loopActive + after.loopIdle - before.loopActive - before.loopIdle;
  if (elapsedMs <= 0) return null;
  return {
    cpuShare: (after.cpuMicros - before.cpuMicros) / 1000 / elapsedMs,
    gcMsPerSecond: (after.gcPauseMicros - before.gcPauseMicros) / elapsedMs,
    loopDelayMs: loopDelay(before.loopDelay, after.loopDelay),
    rssBytes: after.rssBytes,
    heapUsedBytes: after.heapUsedBytes,
  };
}

function loopDelay(before: RuntimeSnapshot["loopDelay"], after: RuntimeSnapshot["loopDelay"]): number | null {
  if (before === null || after === null || after.count <= before.count) return null;
  return Math.max(0, after.sumMs - before.sumMs) / (after.count - before.count);
}
