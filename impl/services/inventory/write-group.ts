// One transaction for a group of commands: find repeats, take the locks, decide one command after another, write it all.
// A command that is refused, or that fails, takes no other one with it.
import type { Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { StorageError, type StorageFailure } from "#impl/storage/errors.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import type { RecordKey } from "../shared/request-id.ts";
import type { Command, Effects, LockedState } from "./command.ts";
import type { Outcome } from "./group-commit.ts";
import { lockRows } from "./locked-rows.ts";
import { findRecords, type KnownRequests, type RequestRecord } from "./request-records.ts";
import { type StagedState, stagedState } from "./staged-state.ts";
import { writeStaged } from "./staged-writes.ts";

/** A command whose caller waits for its answer. */
export interface Job extends Pick<Command<unknown>, "products" | "reservations"> {
  /** Undefined when a repeat does no harm. */
  readonly key: RecordKey | undefined;
  /** May be called again, when the transaction is. */
  readonly decide: (state: LockedState) => Decided;
  /** Instead of `decide`: a repeat, with the response to the first. */
  readonly repeat: (response: Uint8Array) => void;
}

export interface Decided {
  readonly effects: Effects;
  /** Has the key of the job. */
  readonly record?: RequestRecord;
  readonly refusal?: Error;
}

export interface WriteContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly requestIdRetentionMs: number;
}

/** One outcome for each job, in their order. Rejects when there was no transaction: then no job has had an effect, unless the connection was lost. */
export async function writeGroup(
  context: WriteContext,
  jobs: readonly Job[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  try {
    return await writeTogether(context, jobs, signal);
  } catch (error) {
    if (jobs.length === 1 || !isFaultOfOne(error)) throw error;
    return await writeApart(context, jobs, signal);
  }
}

async function writeTogether(
  { database, events, clock, requestIdRetentionMs }: WriteContext,
  jobs: readonly Job[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const expiry = new Date(clock.now() - requestIdRetentionMs);
  const work = async (transaction: Transaction<unknown>) => {
    const known = await findRecords(transaction, keysOf(jobs), expiry);
    const rows = await lockRows(
      transaction,
      jobs.flatMap(({ reservations }) => reservations),
      jobs.flatMap(({ products }) => products),
    );
    const now = new Date(clock.now());
    const state = stagedState({ now, ...rows });
    const records: RequestRecord[] = [];
    const outcomes = jobs.map((job) => outcomeOf(job, state, known, records));
    const { staged } = state;
    await writeStaged(transaction, staged, records, { now, expiry });
    if (staged.events.length > 0) await events.append(transaction, staged.events);
    return { outcomes, changed: staged.events.length > 0 };
  };
  const { outcomes, changed } = await inTransaction(database, work, { signal });
  if (changed) events.committed();
  return outcomes;
}

/** For a group in which one job breaks the statement of all. */
async function writeApart(
  context: WriteContext,
  jobs: readonly Job[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const job of jobs) {
    const [outcome] = await writeTogether(context, [job], signal).catch((error: unknown) => [{ error }]);
    outcomes.push(outcome);
  }
  return outcomes;
}

function keysOf(jobs: readonly Job[]): readonly RecordKey[] {
  return jobs.flatMap(({ key }) => key ?? []);
}

function outcomeOf(job: Job, state: StagedState, known: KnownRequests, records: RequestRecord[]): Outcome {
  const { key } = job;
  try {
    const first = key === undefined ? undefined : known.answerTo(key);
    if (first !== undefined) {
      job.repeat(first);
      return undefined;
    }
    const { effects, record, refusal } = job.decide(state);
    state.apply(effects);
    if (record !== undefined) {
      records.push(record);
      known.add(record);
    }
    return refusal === undefined ? undefined : { error: refusal };
  } catch (error) {
    return { error };
  }
}

/** What the database refuses because of what is written, and not because of its own condition. */
const FAULTS_OF_ONE: ReadonlySet<StorageFailure> = new Set([
  "CHECK_VIOLATION",
  "FOREIGN_KEY_VIOLATION",
  "NOT_NULL_VIOLATION",
  "UNIQUE_VIOLATION",
  "UNEXPECTED",
]);

function isFaultOfOne(error: unknown): boolean {
  return error instanceof StorageError && FAULTS_OF_ONE.has(error.code);
}
