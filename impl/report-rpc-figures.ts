// Reports what this process has counted of its RPCs to AnalyticsService, interval by interval. An interval whose report may have been lost
// is sent again as it was, since a repeat has no effect; while nobody takes them, only the latest intervals are kept.

import type {
  AnalyticsServiceDefinition,
  ReportRpcFiguresRequest,
  RpcFigure,
} from "#proto/ecommerce/v1/analytics.ts";
import { CallError } from "./client/call-error.ts";
import type { ClientOf } from "./client/client.ts";
import type { CallSeries } from "./observability/call-series.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";
import { type Repeated, repeat } from "./runtime/repeat.ts";
import { Code } from "./runtime/status.ts";

export interface RpcFiguresReportOptions {
  readonly analytics: Pick<ClientOf<AnalyticsServiceDefinition>, "reportRpcFigures">;
  /** What was counted since the start. */
  readonly calls: () => Iterable<CallSeries>;
  /** Of this process: unique, up to 64 characters. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Length of an interval. Default 10 s. */
  readonly everyMs?: number;
}

const DEFAULT_EVERY_MS = 10_000;
/** Intervals that wait to be taken. */
const MAX_WAITING = 30;
/** Of one report, by the contract. */
const MAX_FIGURES = 2_000;

export function startRpcFiguresReport(options: RpcFiguresReportOptions): Repeated {
  const { clock, log, everyMs = DEFAULT_EVERY_MS } = options;
  const report = rpcFiguresReport(options);
  return repeat("report figures of RPCs", everyMs, report, { clock, log });
}

/** Each call ends an interval and sends what waits. Rejects when it is not taken; it then waits for the next call. */
export function rpcFiguresReport({
  analytics,
  calls,
  instanceId,
  clock,
}: Omit<RpcFiguresReportOptions, "log" | "everyMs">): (signal?: AbortSignal) => Promise<void> {
  const counted = createDifferences(calls);
  const waiting: ReportRpcFiguresRequest[] = [];
  let startTime = new Date(clock.now());
  return async (signal) => {
    const endTime = new Date(Math.max(clock.now(), startTime.getTime() + 1));
    const figures = counted().slice(0, MAX_FIGURES);
    if (figures.length > 0) waiting.push({ instanceId, startTime, endTime, figures });
    startTime = endTime;
    if (waiting.length > MAX_WAITING) waiting.shift();
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await analytics.reportRpcFigures(next, signal === undefined ? {} : { signal }).catch(unlessRefused);
      waiting.shift();
    }
  };
}

/** A report that is refused would be refused again, and where the service is not served nobody wants it. */
function unlessRefused(error: unknown): void {
  const refused =
    error instanceof CallError && (error.code === Code.UNIMPLEMENTED || error.code === Code.INVALID_ARGUMENT);
  if (!refused) throw error;
}

/** Each call gives what was counted since the last one. */
function createDifferences(calls: () => Iterable<CallSeries>): () => RpcFigure[] {
  const before = new Map<string, { readonly count: number; readonly seconds: number }>();
  return () => {
    const figures: RpcFigure[] = [];
    for (const { method, byCode } of calls()) {
      for (const [code, series] of byCode.entries()) {
        if (series === undefined) continue;
        const { count, sum: seconds } = series.duration;
        const key = `${code} ${method.path}`;
        const last = before.get(key) ?? { count: 0, seconds: 0 };
        if (count === last.count) continue;
        before.set(key, { count, seconds });
        figures.push({
          method: method.path,
          code: code as Code,
          count: BigInt(count - last.count),
          totalDuration: durationOf(Math.max(0, seconds - last.seconds)),
        });
      }
    }
    return figures;
  };
}

function durationOf(seconds: number): { seconds: bigint; nanos: number } {
  const whole = Math.trunc(seconds);
  return { seconds: BigInt(whole), nanos: Math.trunc((seconds - whole) * 1e9) };
}
