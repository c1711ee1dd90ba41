// Bulk jobs in PostgreSQL. Whoever feeds a job holds its lock (bulk-feed.ts) and has the number of its feed: a write that comes from an
// earlier feed than the job's last changes nothing and is ABORTED.
import { type Kysely, sql, type Transaction } from "kysely";
import { isLocked } from "#impl/storage/session-locks.ts";
import { jobIsFed } from "./bulk-errors.ts";
import { type BulkAtomicity, type BulkJob, feedLockName, type NewBulkJob, stateOf } from "./bulk-job.ts";

interface JobRow {
  readonly job_id: string;
  readonly owner_id: string | null;
  readonly atomicity: BulkAtomicity;
  readonly batch_size: number;
  readonly feed: bigint;
  readonly accepted_count: bigint;
  readonly rejected_count: bigint;
  readonly succeeded_count: bigint;
  readonly failed_count: bigint;
  readonly next_position: bigint;
  readonly end_position: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly receive_time: Date | null;
  readonly complete_time: Date | null;
  readonly fed: boolean;
}

const COLUMNS =
  sql.raw(`job.job_id, job.owner_id, job.atomicity, job.batch_size, job.feed, job.accepted_count, job.rejected_count,
  job.succeeded_count, job.failed_count, job.next_position, job.end_position, job.create_time, job.update_time, job.receive_time,
  job.complete_time`);

/** Begins the job or its next feed. To be called with the lock of the feed. Undefined when the id is that of another job. */
export async function openJob<T>(
  queries: Kysely<T>,
  { jobId, ownerId, atomicity, batchSize }: NewBulkJob,
  now: Date,
  signal: AbortSignal,
): Promise<BulkJob | undefined> {
  const { rows } = await sql<JobRow>`
    insert into orders.bulk_jobs as job (job_id, owner_id, atomicity, batch_size, create_time, update_time)
    values (${jobId}, ${ownerId ?? null}, ${atomicity}, ${batchSize}, ${now}, ${now})
    on conflict (job_id) do update
    set feed = job.feed + 1, update_time = case when job.receive_time is null then ${now} else job.update_time end
    where (job.owner_id, job.atomicity, job.batch_size)
      is not distinct from (excluded.owner_id, excluded.atomicity, excluded.batch_size)
    returning ${COLUMNS}, true as fed`.execute(queries, { signal });
  return rows[0] === undefined ? undefined : jobOf(rows[0]);
}

/** The job as it stands, with what its orders have come to. Undefined when there is none. */
export async function findJob<T>(
  queries: Kysely<T>,
  jobId: string,
  now: Date,
  signal?: AbortSignal,
): Promise<BulkJob | undefined> {
  const read = async () => {
    const { rows } = await sql<JobRow & { readonly outcomes: boolean }>`
      select ${COLUMNS},
        case when job.receive_time is null then ${isLocked(sql`${feedLockName("")} || job.job_id`)} else false end as fed,
        exists (select from orders.bulk_outcomes as outcome where outcome.job_id = job.job_id) as outcomes
      from orders.bulk_jobs as job where job.job_id = ${jobId}`.execute(
      queries,
      signal === undefined ? {} : { signal },
    );
    return rows[0];
  };
  let row = await read();
  if (row?.outcomes === true) {
    await addUpOutcomes(queries, jobId, now, signal);
    row = await read();
  }
  return row === undefined ? undefined : jobOf(row);
}

/** Moves outcomes of orders into the counts of their job, and completes the job with the last one. */
export async function addUpOutcomes<T>(
  queries: Kysely<T>,
  jobId: string,
  now: Date,
  signal?: AbortSignal,
): Promise<void> {
  await sql`
    with ended as (
      delete from orders.bulk_outcomes where job_id = ${jobId} returning succeeded
    ), sums as (
      select count(*) filter (where succeeded) as succeeded, count(*) filter (where not succeeded) as failed from ended
    )
    update orders.bulk_jobs as job set
      succeeded_count = job.succeeded_count + sums.succeeded,
      failed_count = job.failed_count + sums.failed,
      update_time = ${now},
      complete_time = case when job.receive_time is not null
        and job.succeeded_count + sums.succeeded + job.failed_count + sums.failed = job.accepted_count then ${now}::timestamptz end
    from sums
    where job.job_id = ${jobId} and sums.succeeded + sums.failed > 0`.execute(
    queries,
    signal === undefined ? {} : { signal },
  );
}

/** Jobs whose outcomes wait to be added up, up to `limit`. */
export async function jobsWithOutcomes<T>(
  queries: Kysely<T>,
  limit: number,
  signal: AbortSignal,
): Promise<string[]> {
  const { rows } = await sql<{ readonly job_id: string }>`
    select distinct job_id from orders.bulk_outcomes limit ${limit}`.execute(queries, { signal });
  return rows.map((row) => row.job_id);
}

export type JobChange = Pick<BulkJob, "jobId" | "feed" | "nextPosition" | "endPosition"> & {
  readonly accepted: number;
  readonly rejected: number;
};

/** The last statement of the transaction of a batch, so that the row is locked for no longer than a commit takes. */
export async function advanceJob<T>(
  transaction: Transaction<T>,
  change: JobChange,
  now: Date,
): Promise<void> {
  const { jobId, feed, accepted, rejected, nextPosition, endPosition } = change;
  const { numAffectedRows } = await sql`
    update orders.bulk_jobs set
      accepted_count = accepted_count + ${accepted}, rejected_count = rejected_count + ${rejected},
      next_position = ${nextPosition}, end_position = ${endPosition}, update_time = ${now}
    where job_id = ${jobId} and feed = ${feed} and receive_time is null`.execute(transaction);
  if (numAffectedRows !== 1n) throw jobIsFed(jobId);
}

/** No more orders will come. Without effect on a job that has ended before. */
export async function endFeed<T>(
  queries: Kysely<T>,
  { jobId, feed }: Pick<BulkJob, "jobId" | "feed">,
  now: Date,
  signal: AbortSignal,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update orders.bulk_jobs set
      receive_time = ${now}, update_time = ${now},
      complete_time = case when succeeded_count + failed_count = accepted_count then ${now}::timestamptz end
    where job_id = ${jobId} and feed = ${feed} and receive_time is null`.execute(queries, { signal });
  if (numAffectedRows !== 1n) throw jobIsFed(jobId);
}

function jobOf(row: JobRow): BulkJob {
  const times = { receiveTime: row.receive_time ?? undefined, completeTime: row.complete_time ?? undefined };
  return {
    jobId: row.job_id,
    ownerId: row.owner_id ?? undefined,
    state: stateOf(times, row.fed),
    atomicity: row.atomicity,
    batchSize: row.batch_size,
    feed: row.feed,
    acceptedCount: row.accepted_count,
    rejectedCount: row.rejected_count,
    succeededCount: row.succeeded_count,
    failedCount: row.failed_count,
    nextPosition: Number(row.next_position),
    endPosition: Number(row.end_position),
    createTime: row.create_time,
    updateTime: row.update_time,
    ...times,
  };
}
