// Which PostgreSQL the statements of the system need: they read old and new values in RETURNING.
import { sql } from "kysely";
import type { Database } from "./database.ts";

/** Major version. */
const OLDEST_POSTGRES = 18;

/** Rejects with an Error that names the version of a server that is too old, before anything is written to it. */
export async function requireServerVersion<T>(
  { queries }: Pick<Database<T>, "queries">,
  oldest = OLDEST_POSTGRES,
): Promise<void> {
  const { rows } = await sql<{ number: number; name: string }>`
    select current_setting('server_version_num')::int as number, current_setting('server_version') as name`.execute(
    queries,
  );
  const [version] = rows;
  if (version === undefined || version.number >= oldest * 10_000) return;
  throw new Error(`DATABASE_URL: PostgreSQL ${version.name} is too old: ${oldest} or newer is needed`);
}
