// ReportRpcFigures: what a process has counted of its RPCs in an interval, each interval once.

import { sql } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import { Code, codeName } from "#impl/runtime/status.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { Metric, type ReportRpcFiguresRequest, type RpcFigure } from "#proto/ecommerce/v1/analytics.ts";
import type { Duration } from "#proto/google/protobuf/duration.ts";
import { type Fact, fact } from "./occurrence.ts";
import { occurrenceEvent } from "./occurrence-event.ts";

export interface RpcFiguresContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly clock: Clock;
  /** How long figures and the names of their intervals are kept. */
  readonly retentionMs: number;
}

/** How far the clock of a process may be ahead. */
const CLOCK_SKEW_MS = 60_000;
const NANOS_PER_SECOND = 1_000_000_000n;

const ERRORS: ReadonlySet<Code> = new Set([
  Code.UNKNOWN,
  Code.INTERNAL,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
  Code.DEADLINE_EXCEEDED,
]);

/** Throws INVALID_ARGUMENT for an interval that is to come, or so old that it would not be known again. */
export async function reportRpcFigures(
  context: RpcFiguresContext,
  request: ReportRpcFiguresRequest,
  signal: AbortSignal,
): Promise<void> {
  const { database, events } = context;
  const { instanceId, startTime } = request;
  const time = timeOf(context, request);
  const figures = request.figures.filter(({ count }) => count > 0n);
  const isNew = await inTransaction(
    database,
    async (transaction) => {
      const { numAffectedRows } = await sql`
        insert into analytics.rpc_intervals (instance_id, start_time, time)
        values (${instanceId}, ${startTime}, ${new Date(time)}) on conflict do nothing`.execute(transaction);
      if (numAffectedRows !== 1n) return false;
      if (figures.length === 0) return true;
      await sql`
        insert into analytics.rpc_figures (time, method, code, calls, nanoseconds)
        select ${new Date(time)}, method, code, calls, nanoseconds from unnest(
          ${figures.map(({ method }) => method)}::text[], ${figures.map(({ code }) => code)}::smallint[],
          ${figures.map(({ count }) => count)}::bigint[], ${figures.map(nanosecondsOf)}::bigint[]
        ) as figure (method, code, calls, nanoseconds)`.execute(transaction);
      const id = `${instanceId}/${time}`;
      const occurrence = { id, time, facts: figures.flatMap(factsOf) };
      await events.append(transaction, [occurrenceEvent("rpc", occurrence)]);
      return true;
    },
    { signal },
  );
  if (isNew) events.committed();
}

/** Figures count at the last moment of their interval. */
function timeOf({ clock, retentionMs }: RpcFiguresContext, request: ReportRpcFiguresRequest): number {
  const [start = 0, end = 0] = [request.startTime?.getTime(), request.endTime?.getTime()];
  const refuse = (field: string, description: string, reason: string): FieldViolation => ({
    field,
    description,
    reason: `rpc_figures.${reason}`,
  });
  const now = clock.now();
  if (end > now + CLOCK_SKEW_MS)
    throw invalidArgument([refuse("end_time", "must not be in the future", "future")]);
  if (start < now - retentionMs) {
    const description = `must not be longer ago than ${retentionMs / 3_600_000} h`;
    throw invalidArgument([refuse("start_time", description, "too_old")]);
  }
  return Math.max(start, end - 1);
}

function factsOf(figure: RpcFigure): Fact[] {
  const { method, code, count } = figure;
  const dimensions = { rpcMethod: method, rpcCode: codeName(code) };
  return [
    fact(Metric.METRIC_RPC_CALLS, count, dimensions),
    ...(ERRORS.has(code) ? [fact(Metric.METRIC_RPC_ERRORS, count, dimensions)] : []),
    fact(Metric.METRIC_RPC_LATENCY, nanosecondsOf(figure), { ...dimensions, weight: count }),
  ];
}

function nanosecondsOf({ totalDuration }: { readonly totalDuration: Duration | undefined }): bigint {
  return (totalDuration?.seconds ?? 0n) * NANOS_PER_SECOND + BigInt(totalDuration?.nanos ?? 0);
}

/** Whether calls that ended so count as errors. */
export const ERROR_CODES: readonly Code[] = [...ERRORS];

/** Deletes the figures that are too old. How many. */
export async function purgeRpcFigures(
  {
    database: { queries },
    clock,
    retentionMs,
  }: Pick<RpcFiguresContext, "database" | "clock" | "retentionMs">,
  signal: AbortSignal,
): Promise<number> {
  const before = new Date(clock.now() - retentionMs);
  // What is still refused as too old must not be forgotten: intervals end after they start.
  await sql`delete from analytics.rpc_intervals where time < ${before}`.execute(queries, { signal });
  const { numAffectedRows = 0n } = await sql`
    delete from analytics.rpc_figures where time < ${before}`.execute(queries, { signal });
  return Number(numAffectedRows);
}
