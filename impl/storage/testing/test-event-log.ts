// An event log for a test file, in a schema of the file's own database, stopped when the file has ended.
import { afterAll } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Database } from "../database.ts";
import { createEventLog, type EventLogOptions, type StoppableEventLog } from "../events/create-event-log.ts";
import { eventTables } from "../events/event-tables.ts";
import { migrate } from "../migrations.ts";
import { silentLog } from "../storage-log.ts";

/** Call it at the top of a test file or of a `describe`, after the database was made. */
export async function testEventLog<T>(
  database: Database<T>,
  schema: string,
  options: Partial<EventLogOptions> = {},
): Promise<StoppableEventLog> {
  await migrate(database, eventTables(schema));
  const log = createEventLog({
    database: database.typed<unknown>(),
    schema,
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  afterAll(() => log.stop());
  return log;
}
