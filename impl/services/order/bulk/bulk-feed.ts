// One stream's turn at feeding a job. Invariants: two streams never feed a job at the same time, since the lock ends with the process or
// the connection that has it, and a write of an earlier feed is refused; and a batch is stored in one transaction with the
// job's counts and next position, so that whatever is killed, a position is settled once or not at all.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { SessionLock, SessionLocks } from "#impl/storage/session-locks.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { insertOrders } from "../order-insert.ts";
import type { PreparedOrder } from "../order-intake.ts";
import { jobIsFed, otherJobExists } from "./bulk-errors.ts";
import { type BulkJob, feedLockName, type NewBulkJob } from "./bulk-job.ts";
import { advanceJob, endFeed, type JobChange, openJob } from "./bulk-job-store.ts";
import type { JudgedBatch } from "./bulk-judge.ts";
import { firstUnsettled } from "./bulk-positions.ts";
import { insertRejections } from "./bulk-rejections.ts";

export interface FeedNeeds {
  readonly database: Database<unknown>;
  readonly locks: SessionLocks;
  /** The log of orders. */
  readonly events: EventLog;
  readonly clock: Clock;
  /** Told that orders wait for their processing. */
  readonly wakeSagas: () => void;
  /** How long a stream waits for the one before it to end. Default 1000. */
  readonly takeoverWaitMs: number;
}

const ASK_EVERY_MS = 25;

/** `lost` is told when the lock is gone before the feed has ended. ABORTED when another stream feeds the job, ALREADY_EXISTS when it is another. */
export async function openFeed(
  job: NewBulkJob,
  needs: FeedNeeds,
  signal: AbortSignal,
  lost: (reason: unknown) => void,
): Promise<JobFeed> {
  const lock = await takeLock(job.jobId, needs, signal);
  try {
    const opened = await openJob(needs.database.queries, job, new Date(needs.clock.now()), signal);
    if (opened === undefined) throw otherJobExists(job.jobId);
    return new JobFeed(opened, lock, needs, signal, lost);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The stream before may have been cut off and not know it yet, or be rolling back. */
async function takeLock(jobId: string, needs: FeedNeeds, signal: AbortSignal): Promise<SessionLock> {
  const { locks, clock, takeoverWaitMs } = needs;
  const until = clock.monotonic() + takeoverWaitMs;
  for (;;) {
    const lock = await locks.take(feedLockName(jobId));
    if (lock !== undefined) return lock;
    if (clock.monotonic() >= until) throw jobIsFed(jobId);
    await sleep(clock, ASK_EVERY_MS, signal);
  }
}

export class JobFeed {
  /** As it was when the feed began. */
  readonly job: BulkJob;
  readonly #lock: SessionLock;
  readonly #needs: FeedNeeds;
  readonly #signal: AbortSignal;
  #place: Pick<BulkJob, "nextPosition" | "endPosition" | "rejectedCount">;

  constructor(
    job: BulkJob,
    lock: SessionLock,
    needs: FeedNeeds,
    signal: AbortSignal,
    lost: (reason: unknown) => void,
  ) {
    this.job = job;
    this.#lock = lock;
    this.#needs = needs;
    this.#signal = signal;
    this.#place = job;
    lock.lost.addEventListener("abort", () => lost(lock.lost.reason));
    if (lock.lost.aborted) lost(lock.lost.reason);
  }

  /** One batch at a time, in the order of the stream. No position of it is settled. */
  async store({ accepted, rejections }: JudgedBatch): Promise<void> {
    if (accepted.length === 0 && rejections.length === 0) return;
    const { database, events, clock, wakeSagas } = this.#needs;
    const { jobId } = this.job;
    const { rejectedCount } = this.#place;
    const positions = [...accepted.map(positionOf), ...rejections.map(({ position }) => position)].sort(
      (a, b) => a - b,
    );
    const change = await inTransaction(
      database,
      async (transaction) => {
        if (accepted.length > 0) await insertOrders(transaction, accepted);
        await insertRejections(transaction, jobId, rejections, rejectedCount);
        const reached = this.#after(positions);
        const nextPosition =
          reached.nextPosition ?? (await firstUnsettled(transaction, jobId, this.#place.nextPosition));
        const { feed } = this.job;
        const counts = { accepted: accepted.length, rejected: rejections.length };
        const made: JobChange = { jobId, feed, ...counts, nextPosition, endPosition: reached.endPosition };
        await advanceJob(transaction, made, new Date(clock.now()));
        return made;
      },
      { signal: this.#signal },
    );
    this.#place = { ...change, rejectedCount: rejectedCount + BigInt(rejections.length) };
    if (accepted.length === 0) return;
    events.committed();
    wakeSagas();
  }

  /** The caller has no more orders. */
  async end(): Promise<void> {
    if (this.job.receiveTime !== undefined) return;
    const { database, clock } = this.#needs;
    await endFeed(database.queries, this.job, new Date(clock.now()), this.#signal);
  }

  /** Lets the next stream feed the job. Never rejects. */
  async release(): Promise<void> {
    await this.#lock.release();
  }

  /** Where the job is with these positions, ascending. Its next position is undefined where earlier ones must be looked up. */
  #after(positions: readonly number[]): {
    readonly nextPosition: number | undefined;
    readonly endPosition: number;
  } {
    const { nextPosition, endPosition } = this.#place;
    const [first = endPosition] = positions;
    const end = Math.max(endPosition, (positions.at(-1) ?? -1) + 1);
    if (first < endPosition) return { nextPosition: undefined, endPosition: end };
    let next = nextPosition;
    for (const position of positions) {
      if (position !== next) break;
      next++;
    }
    return { nextPosition: next, endPosition: end };
  }
}

function positionOf({ order }: PreparedOrder): number {
  return Number(order.bulk?.position);
}
