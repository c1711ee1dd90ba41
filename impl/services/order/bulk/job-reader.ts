// Reads jobs for those who watch them: many watchers of one job cost one query a moment, and not one each.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { BulkJob } from "./bulk-job.ts";
import { findJob } from "./bulk-job-store.ts";

export interface JobReader {
  /** As it is now. Undefined when there is none. */
  now(jobId: string, signal: AbortSignal): Promise<BulkJob | undefined>;
  /** As it was at most `freshMs` ago. */
  lately(jobId: string): Promise<BulkJob | undefined>;
}

export function createJobReader(database: Database<unknown>, clock: Clock, freshMs: number): JobReader {
  const read = (jobId: string, signal?: AbortSignal): Promise<BulkJob | undefined> =>
    findJob(database.queries, jobId, new Date(clock.now()), signal);
  const shared = new Map<string, Promise<BulkJob | undefined>>();
  return {
    now: read,
    lately(jobId) {
      const known = shared.get(jobId);
      if (known !== undefined) return known;
      const reading = read(jobId);
      shared.set(jobId, reading);
      clock.after(freshMs, () => shared.delete(jobId));
      return reading;
    },
  };
}
