// How far the figures of a process are: what each source has told, and the position in the log at which all of that can be read. One
// reading serves all streams that ask at about the same time.
import { sql } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { Source } from "./occurrence.ts";

export interface Progress {
  /** What happened before is in the log up to `position`; -Infinity of a source that has told nothing yet. */
  readonly through: Readonly<Record<Source, number>>;
  readonly position: bigint;
}

export interface ProgressReader {
  /** Not older than `freshMs`. */
  read(): Promise<Progress>;
}

/** How often the watermark goes on. */
export const PROGRESS_MS = 500;

export interface ProgressContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly clock: Clock;
  /** For how long a reading serves others. Default PROGRESS_MS. */
  readonly freshMs?: number;
}

export function createProgressReader({
  database,
  events,
  clock,
  freshMs = PROGRESS_MS,
}: ProgressContext): ProgressReader {
  let latest: { readonly at: number; readonly progress: Promise<Progress> } | undefined;
  const read = async (): Promise<Progress> => {
    const now = clock.now();
    // Before the log: what is counted meanwhile is above the position and before no time that was read.
    const through = await readThrough(database);
    return { through: { ...through, rpc: now }, position: await events.head() };
  };
  return {
    read() {
      const now = clock.monotonic();
      if (latest !== undefined && now - latest.at < freshMs) return latest.progress;
      const reading = { at: now, progress: read() };
      latest = reading;
      reading.progress.catch(() => {
        if (latest === reading) latest = undefined;
      });
      return reading.progress;
    },
  };
}

export async function readThrough(
  { queries }: Database<unknown>,
  signal?: AbortSignal,
): Promise<Record<"orders" | "payments", number>> {
  const { rows } = await sql<{ readonly source: "orders" | "payments"; readonly through: Date }>`
    select source, through_time as through from analytics.sources where through_time is not null`.execute(
    queries,
    signal === undefined ? {} : { signal },
  );
  const told = { orders: Number.NEGATIVE_INFINITY, payments: Number.NEGATIVE_INFINITY };
  for (const { source, through } of rows) told[source] = through.getTime();
  return told;
}

/** The watermark of figures that come from all of these. */
export function watermarkOf({ through }: Pick<Progress, "through">, sources: readonly Source[]): number {
  return Math.min(...sources.map((source) => through[source]));
}
