// How many bytes of the heap have been allocated since the start: the growth between collections plus what has grown since the last one.
// V8 keeps its report of collections until it is stopped, so it is drained every second. Memory outside the heap (buffers) is not in it.
import { GCProfiler, getHeapStatistics } from "node:v8";
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";

export interface AllocationCounter {
  /** Never falls. */
  read(): number;
  close(): void;
}

const DRAIN_MS = 1_000;

export function startAllocationCounter(clock: Clock): AllocationCounter {
  let profiler = new GCProfiler();
  profiler.start();
  let usedAfterLast = usedHeap();
  let betweenCollections = 0;
  let highest = 0;
  let closed = false;

  const drain = (): void => {
    // The next one first: reading the report allocates, and may itself cause a collection.
    const next = new GCProfiler();
    next.start();
    const report = profiler.stop();
    profiler = next;
    for (const { beforeGC, afterGC } of report?.statistics ?? []) {
      betweenCollections += Math.max(0, beforeGC.heapStatistics.usedHeapSize - usedAfterLast);
      usedAfterLast = afterGC.heapStatistics.usedHeapSize;
    }
  };
  const drainRegularly = (): CancelTimer =>
    clock.after(DRAIN_MS, () => {
      drain();
      cancel = drainRegularly();
    });
  let cancel = drainRegularly();
  return {
    read() {
      if (!closed) {
        drain();
        highest = Math.max(highest, betweenCollections + Math.max(0, usedHeap() - usedAfterLast));
      }
      return highest;
    },
    close() {
      if (closed) return;
      closed = true;
      cancel();
      profiler.stop();
    },
  };
}

function usedHeap(): number {
  return getHeapStatistics().used_heap_size;
}
