// Where in a log a time is: for a reader that begins with what was written from then on.
import { sql } from "kysely";
import type { Database } from "../database.ts";

/** Events are numbered in the order of their commits, which that of their writing can differ from by the length of a transaction. */
const MARGIN_MS = 60_000;

/**
 * A position after which everything lies that was written at `time` (milliseconds since the epoch) or later and is still kept; up to a
 * minute earlier, too. Looks at some twenty events.
 */
export async function positionBefore(
  { queries }: Pick<Database<unknown>, "queries">,
  schema: string,
  time: number,
  signal: AbortSignal,
): Promise<bigint> {
  const outbox = sql.table(`${schema}.outbox`);
  const { rows: heads } = await sql<{ readonly position: bigint; readonly purged: bigint }>`
    select position, purged_through as purged from ${sql.table(`${schema}.outbox_head`)}`.execute(queries, {
    signal,
  });
  const since = time - MARGIN_MS;
  let [before, end] = [heads[0]?.purged ?? 0n, (heads[0]?.position ?? 0n) + 1n];
  // Events up to `before` are older, or gone; those from `end` on are not.
  while (end - before > 1n) {
    const middle = (before + end) / 2n;
    const { rows } = await sql<{ readonly write_time: Date }>`
      select write_time from ${outbox} where position = ${middle}`.execute(queries, { signal });
    const writtenAt = rows[0]?.write_time.getTime();
    if (writtenAt === undefined || writtenAt < since) before = middle;
    else end = middle;
  }
  return before;
}
