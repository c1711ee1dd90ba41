// Deletes events that are too old, in small transactions. Readers that still want them get EventsExpired; nobody else notices.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { Database } from "../database.ts";
import { createEventStore } from "./event-store.ts";

export interface EventRetention {
  readonly database: Database<unknown>;
  /** Of the services whose events are meant. */
  readonly schemas: readonly string[];
  readonly clock: Clock;
  /** How long events are kept. Default 7 days. Resume tokens need to live no longer. */
  readonly retentionMs?: number;
}

export const DEFAULT_EVENT_RETENTION_MS = 7 * 86_400_000;
const PURGED_AT_ONCE = 1_000;
const PURGE_EVERY_MS = 600_000;

/** Several processes may do it at once. How many it deleted. */
export async function purgeEvents(retention: EventRetention, signal: AbortSignal): Promise<number> {
  const { database, schemas, clock, retentionMs = DEFAULT_EVENT_RETENTION_MS } = retention;
  const stores = schemas.map((schema) => createEventStore(database, schema));
  let purged = 0;
  for (const store of stores) {
    for (let deleted = PURGED_AT_ONCE; deleted === PURGED_AT_ONCE; purged += deleted) {
      deleted = await store.purge(new Date(clock.now() - retentionMs), PURGED_AT_ONCE, signal);
    }
  }
  return purged;
}

/** Now and then until it is stopped. */
export function startEventRetention({
  log,
  everyMs = PURGE_EVERY_MS,
  ...retention
}: EventRetention & { readonly log: Logger; readonly everyMs?: number }): Repeated {
  const { clock } = retention;
  return repeat("purge events", everyMs, (signal) => purgeEvents(retention, signal), { clock, log });
}
