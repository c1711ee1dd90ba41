// What the process has used since it started, for whoever measures it from outside: counters to take differences of.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Clock } from "#impl/runtime/clock.ts";
import { type AllocationCounter, startAllocationCounter } from "./allocation-counter.ts";
import { type GcCounts, startGcCounter } from "./gc-counter.ts";

export interface RuntimeStats {
  readonly pid: number;
  readonly node: string;
  readonly v8: string;
  readonly execArgv: readonly string[];
  readonly uptimeSeconds: number;
  readonly cpuMicros: { readonly user: number; readonly system: number };
  /** Of the heap; null when it is not counted. */
  readonly allocatedBytes: number | null;
  readonly gc: GcCounts;
  readonly eventLoop: EventLoopStats;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** Calls that have ended. */
  readonly calls: number;
  readonly databaseQueries: number;
  readonly databaseUrl?: string;
}

export interface EventLoopStats {
  /** Milliseconds. */
  readonly active: number;
  readonly idle: number;
  /** The share of active. */
  readonly utilization: number;
  /** How late a timer of 10 ms was: how often it was looked at, and the milliseconds of all together. */
  readonly delay: { readonly count: number; readonly sumMs: number };
}

/** Of the timer whose lateness is the event loop's delay. */
const DELAY_TIMER_MS = 10;

export interface RuntimeStatsOptions {
  readonly clock: Clock;
  /** Counts allocated bytes, which costs some CPU with every collection. Default false. */
  readonly profileAllocations?: boolean;
  readonly calls: () => number;
  readonly databaseQueries: () => number;
  /** Shown when given; it may hold a password. */
  readonly databaseUrl?: () => string | undefined;
}

export interface RuntimeStatsReader {
  read(): RuntimeStats;
  close(): void;
}

export function startRuntimeStats(options: RuntimeStatsOptions): RuntimeStatsReader {
  const gc = startGcCounter();
  const allocations: AllocationCounter | undefined = options.profileAllocations
    ? startAllocationCounter(options.clock)
    : undefined;
  const timer = monitorEventLoopDelay({ resolution: DELAY_TIMER_MS });
  timer.enable();
  return {
    read() {
      const allocatedBytes = allocations?.read() ?? null;
      const { rss, heapUsed } = process.memoryUsage();
      const { active, idle, utilization } = performance.eventLoopUtilization();
      const databaseUrl = options.databaseUrl?.();
      return {
        pid: process.pid,
        node: process.version,
        v8: process.versions.v8,
        execArgv: process.execArgv,
        uptimeSeconds: process.uptime(),
        cpuMicros: process.cpuUsage(),
        allocatedBytes,
        gc: gc.read(),
        eventLoop: { active, idle, utilization, delay: lateness(timer) },
        rssBytes: rss,
        heapUsedBytes: heapUsed,
        calls: options.calls(),
        databaseQueries: options.databaseQueries(),
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
      };
    },
    close() {
      gc.close();
      allocations?.close();
      timer.disable();
    },
  };
}

/** What is recorded is the time from one turn of the timer to the next, in nanoseconds. */
function lateness({ count, mean }: { readonly count: number; readonly mean: number }) {
  return count === 0
    ? { count, sumMs: 0 }
    : { count, sumMs: Math.max(0, count * (mean / 1e6 - DELAY_TIMER_MS)) };
}
