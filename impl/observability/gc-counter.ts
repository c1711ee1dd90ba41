// How often the heap has been collected since the start, and how long that has held the program up.
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";

export interface GcCounts {
  readonly count: number;
  /** Of these, collections of the whole heap. */
  readonly majorCount: number;
  readonly pauseMicros: number;
}

export interface GcCounter {
  read(): GcCounts;
  close(): void;
}

export function startGcCounter(): GcCounter {
  let count = 0;
  let majorCount = 0;
  let pauseMs = 0;
  const add = (entries: Iterable<PerformanceEntry>): void => {
    for (const entry of entries) {
      count += 1;
      pauseMs += entry.duration;
      if (gcKind(entry) === constants.NODE_PERFORMANCE_GC_MAJOR) majorCount += 1;
    }
  };
  const observer = new PerformanceObserver((list) => add(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  return {
    read() {
      add(observer.takeRecords());
      return { count, majorCount, pauseMicros: Math.round(pauseMs * 1_000) };
    },
    close: () => observer.disconnect(),
  };
}

// The declared type of an entry does not have what entries of type "gc" carry.
function gcKind(entry: PerformanceEntry): unknown {
  const { detail } = entry as unknown as { readonly detail?: { readonly kind?: unknown } };
  return detail?.kind;
}
