// The rejections of a job in PostgreSQL. They are numbered 1, 2, 3 ... in the order of their commits, which a job's batches have, one
// after the other; so a number says what a reader has seen, and nothing can come before it later.
import { type Kysely, sql, type Transaction } from "kysely";
import type { Rejection } from "./bulk-order.ts";

interface RejectionRow {
  readonly position: bigint;
  readonly number: bigint;
  readonly reference: string;
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

const COLUMNS = sql.raw("position, number, reference, reason, field, message");

/** `before`: how many the job had. */
export async function insertRejections<T>(
  transaction: Transaction<T>,
  jobId: string,
  rejections: readonly Rejection[],
  before: bigint,
): Promise<void> {
  if (rejections.length === 0) return;
  await sql`
    insert into orders.bulk_rejections (job_id, ${COLUMNS})
    select ${jobId}, position, ${before} + place, reference, reason, field, message
    from unnest(
      ${rejections.map(({ position }) => position)}::bigint[],
      ${rejections.map(({ reference }) => reference)}::text[],
      ${rejections.map(({ reason }) => reason)}::text[],
      ${rejections.map(({ field }) => field)}::text[],
      ${rejections.map(({ message }) => message)}::text[]
    ) with ordinality as rejection (position, reference, reason, field, message, place)`.execute(transaction);
}

export interface RejectionPage {
  readonly rejections: readonly Rejection[];
  /** The number of the last one; `after` when there is none. */
  readonly last: number;
}

/** The next ones by number. */
export async function rejectionsAfter<T>(
  queries: Kysely<T>,
  jobId: string,
  after: number,
  limit: number,
  signal: AbortSignal,
): Promise<RejectionPage> {
  const { rows } = await sql<RejectionRow>`
    select ${COLUMNS} from orders.bulk_rejections
    where job_id = ${jobId} and number > ${after} order by number limit ${limit}`.execute(queries, {
    signal,
  });
  return { rejections: rows.map(rejectionOf), last: Number(rows.at(-1)?.number ?? after) };
}

/** The first ones by position. */
export async function firstRejections<T>(
  queries: Kysely<T>,
  jobId: string,
  limit: number,
  signal: AbortSignal,
): Promise<Rejection[]> {
  const { rows } = await sql<RejectionRow>`
    select ${COLUMNS} from orders.bulk_rejections
    where job_id = ${jobId} order by position limit ${limit}`.execute(queries, { signal });
  return rows.map(rejectionOf);
}

function rejectionOf({ position, reference, reason, field, message }: RejectionRow): Rejection {
  return { position: Number(position), reference, reason, field, message };
}
