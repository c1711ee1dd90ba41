// The tables of an event log, in the schema of the service that writes it, beside the service's own tables.
import type { MigrationOptions } from "../migrations.ts";

/** For `migrate`, beside the service's own migrations. */
export function eventTables(schema: string): MigrationOptions {
  return { schema, folder: new URL("./migrations/", import.meta.url), history: "event_migrations" };
}
