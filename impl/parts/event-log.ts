// The event log of a service: its tables brought up to date, and stopped when the server has drained.
import { createEventLog } from "../storage/events/create-event-log.ts";
import type { EventLog } from "../storage/events/event-log.ts";
import { startEventRetention } from "../storage/events/event-retention.ts";
import { eventTables } from "../storage/events/event-tables.ts";
import { migrate } from "../storage/migrations.ts";
import type { PartContext, Stoppable } from "./part.ts";

export async function openEventLog(
  schema: string,
  { database, clock, log, resources }: Pick<PartContext, "database" | "clock" | "log" | "resources">,
): Promise<EventLog> {
  await migrate(database, eventTables(schema));
  const events = createEventLog({ database, schema, clock, log });
  resources.defer(() => events.stop());
  return events;
}

/** Deletes the events that are too old. */
export function retentionOf(
  schema: string,
  { config, database, clock, log }: Pick<PartContext, "config" | "database" | "clock" | "log">,
): Stoppable {
  const retentionMs = config.EVENT_RETENTION_HOURS * 3_600_000;
  return startEventRetention({ database, schemas: [schema], clock, log, retentionMs });
}
