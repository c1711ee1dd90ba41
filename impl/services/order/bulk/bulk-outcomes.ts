// Adds up how the orders of bulk jobs have ended, for jobs that nobody watches: any number of processes may do so at a time.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { Database } from "#impl/storage/database.ts";
import { addUpOutcomes, jobsWithOutcomes } from "./bulk-job-store.ts";

export interface BulkOutcomesOptions {
  readonly database: Database<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default 2000. */
  readonly everyMs?: number;
}

const JOBS_AT_ONCE = 100;

export function startBulkOutcomes({ database, clock, log, everyMs = 2_000 }: BulkOutcomesOptions): Repeated {
  const { queries } = database;
  const addUp = async (signal: AbortSignal): Promise<void> => {
    for (const jobId of await jobsWithOutcomes(queries, JOBS_AT_ONCE, signal)) {
      await addUpOutcomes(queries, jobId, new Date(clock.now()), signal);
    }
  };
  return repeat("add up outcomes of bulk jobs", everyMs, addUp, { clock, log });
}
