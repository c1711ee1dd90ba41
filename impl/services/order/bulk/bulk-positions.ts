// Which positions of a job are settled: those of its orders and of its rejections.
import { type Kysely, sql } from "kysely";
import { MAX_POSITION } from "./bulk-order.ts";

/** From `first` to `last`, both included. */
export interface PositionRange {
  readonly first: number;
  readonly last: number;
}

export interface SettledPositions {
  readonly stored: ReadonlySet<number>;
  readonly rejected: ReadonlySet<number>;
}

export async function settledIn<T>(
  queries: Kysely<T>,
  jobId: string,
  { first, last }: PositionRange,
  signal: AbortSignal,
): Promise<SettledPositions> {
  const { rows } = await sql<{ readonly position: bigint; readonly stored: boolean }>`
    select bulk_position as position, true as stored from orders.orders
    where bulk_job_id = ${jobId} and bulk_position between ${first} and ${last}
    union all
    select position, false from orders.bulk_rejections
    where job_id = ${jobId} and position between ${first} and ${last}`.execute(queries, { signal });
  const of = (wanted: boolean) =>
    new Set(rows.filter(({ stored }) => stored === wanted).map(({ position }) => Number(position)));
  return { stored: of(true), rejected: of(false) };
}

/** The first position from `from` on that is not settled. Two indexes are read side by side, and no further than to there. */
export async function firstUnsettled<T>(queries: Kysely<T>, jobId: string, from: number): Promise<number> {
  // The last row is one that no position can be, so that there always is a gap.
  const { rows } = await sql<{ readonly unsettled: bigint }>`
    select unsettled from (
      select position, ${from} + row_number() over (order by position) - 1 as unsettled from (
        select bulk_position as position from orders.orders where bulk_job_id = ${jobId} and bulk_position >= ${from}
        union all
        select position from orders.bulk_rejections where job_id = ${jobId} and position >= ${from}
        union all
        select ${MAX_POSITION + 2}::bigint
      ) as settled
    ) as counted
    where position <> unsettled order by position limit 1`.execute(queries);
  return Number(rows[0]?.unsettled);
}
