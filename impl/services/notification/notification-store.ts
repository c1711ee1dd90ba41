// All that the service keeps in PostgreSQL: reads, and the writers of one transaction.
import { sql, type Transaction } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { NewEvent } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { createRequestIds, type IdentifiedRequest } from "../shared/request-id.ts";
import { createEndpointStore, type EndpointStore } from "./endpoint-store.ts";
import { createEndpointWriter, type EndpointWriter } from "./endpoint-writer.ts";
import { createNotificationReads, type NotificationReads } from "./notification-reads.ts";
import { notificationsSchema } from "./notification-tables.ts";
import { createNotificationWriter, type NotificationWriter } from "./notification-writer.ts";
import {
  createPreferenceReads,
  createPreferenceWriter,
  type PreferenceReads,
  type PreferenceWriter,
} from "./preference-store.ts";
import {
  createTemplateReads,
  createTemplateWriter,
  type TemplateReads,
  type TemplateWriter,
} from "./template-store.ts";

export interface NotificationStoreOptions {
  readonly clock: Clock;
  readonly events: EventLog;
  /** How long request ids are remembered. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
  /** How long notifications in a final state are kept, and with them their deduplication keys. Default 90 days. */
  readonly retentionMs?: number;
}

export interface NotificationStore {
  readonly notifications: NotificationReads;
  readonly preferences: PreferenceReads;
  readonly templates: TemplateReads;
  readonly endpoints: EndpointStore;
  /** Runs `work` in a transaction. It may run more than once, of which one is committed. */
  write<R>(signal: AbortSignal, work: (writer: Writer) => Promise<R>): Promise<R>;
  /** The same, and only if the request is not a repeat. */
  writeOnce<R>(request: IdentifiedRequest<R>, work: (writer: Writer) => Promise<R>): Promise<R>;
  /** Forgets the request ids that are older than the retention; how many. */
  purgeRequestIds(signal?: AbortSignal): Promise<number>;
  /** Deletes notifications in a final state that were made before the retention began; how many. */
  purgeNotifications(signal?: AbortSignal): Promise<number>;
}

export interface Writer {
  readonly notifications: NotificationWriter;
  readonly preferences: PreferenceWriter;
  readonly templates: TemplateWriter;
  readonly endpoints: EndpointWriter;
  /** Writes events; to be called after the rows are written. */
  append(events: readonly NewEvent[]): Promise<void>;
}

const RETENTION_MS = 90 * 86_400_000;
const PURGED_AT_ONCE = 1_000;

export function createNotificationStore(
  database: Database<unknown>,
  { clock, events, requestIdRetentionMs, retentionMs = RETENTION_MS }: NotificationStoreOptions,
): NotificationStore {
  if (!(retentionMs > 0)) throw new RangeError(`notification retentionMs ${retentionMs}: must be above 0`);
  const requestIds = createRequestIds(database, {
    schema: notificationsSchema.schema,
    clock,
    ...(requestIdRetentionMs === undefined ? {} : { retentionMs: requestIdRetentionMs }),
  });
  const writerOf = (transaction: Transaction<unknown>): Writer => {
    const now = new Date(clock.now());
    return {
      notifications: createNotificationWriter(transaction, now),
      preferences: createPreferenceWriter(transaction),
      templates: createTemplateWriter(transaction, now),
      endpoints: createEndpointWriter(transaction, now),
      append: (made) => events.append(transaction, made),
    };
  };
  return {
    notifications: createNotificationReads(database),
    preferences: createPreferenceReads(database),
    templates: createTemplateReads(database),
    endpoints: createEndpointStore(database),
    write: (signal, work) =>
      inTransaction(database, (transaction) => work(writerOf(transaction)), { signal }),
    writeOnce: (request, work) => requestIds.once(request, (transaction) => work(writerOf(transaction))),
    purgeRequestIds: requestIds.purge,
    purgeNotifications: (signal) => purge(database, new Date(clock.now() - retentionMs), signal),
  };
}

/** In small transactions. What still waits is kept, however old it is. */
async function purge<T>({ queries }: Database<T>, before: Date, signal?: AbortSignal): Promise<number> {
  for (let purged = 0; ; ) {
    const { numAffectedRows = 0n } = await sql`
      delete from notifications.notifications where ctid = any(array(
        select ctid from notifications.notifications
        where create_time < ${before} and due_time is null limit ${PURGED_AT_ONCE}
      ))`.execute(queries, signal === undefined ? {} : { signal });
    purged += Number(numAffectedRows);
    if (numAffectedRows < PURGED_AT_ONCE) return purged;
  }
}
