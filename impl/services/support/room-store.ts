// Rooms in PostgreSQL, and what happens in them as events: written in the transaction of the change, told after its commit. Failures are
// left as StorageErrors.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { NewEvent } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { createRequestIds, type IdentifiedRequest } from "../shared/request-id.ts";
import { newEvent, type RoomEvent } from "./room-event.ts";
import { prepareReads, type RoomReads } from "./room-reads.ts";
import { createRoomWriter, type RoomWriter } from "./room-writer.ts";
import { type SupportTables, supportSchema } from "./support-tables.ts";

export interface RoomStoreOptions {
  readonly clock: Clock;
  /** Where events are written; its tables are in the schema of rooms. */
  readonly log: Pick<EventLog, "append" | "committed">;
  /** How long request ids are remembered. Default 24 h, which is also the least. */
  readonly requestIdRetentionMs?: number;
}

export interface RoomStore extends RoomReads {
  /** Runs `work` in a transaction. It may run more than once, of which one is committed; what it tells is told once. */
  write<R>(signal: AbortSignal, work: (writer: RoomWriter, tell: Tell) => Promise<R>): Promise<R>;
  /** Makes what nobody can have heard of yet, and only if the request is not a repeat. */
  createOnce<R>(request: IdentifiedRequest<R>, work: (writer: RoomWriter) => Promise<R>): Promise<R>;
  /** Forgets the request ids that are older than the retention; how many. */
  purgeRequestIds(signal?: AbortSignal): Promise<number>;
}

/** Tells the room what happened. To be called while the room is locked. */
export type Tell = (roomId: string, event: RoomEvent) => void;

export function createRoomStore(database: Database<unknown>, options: RoomStoreOptions): RoomStore {
  const { clock, log, requestIdRetentionMs } = options;
  const rooms = database.typed<SupportTables>();
  const now = (): Date => new Date(clock.now());
  const requestIds = createRequestIds(rooms, {
    schema: supportSchema.schema,
    clock,
    ...(requestIdRetentionMs === undefined ? {} : { retentionMs: requestIdRetentionMs }),
  });
  return {
    ...prepareReads(rooms.queries),
    async write(signal, work) {
      const { result, told } = await inTransaction(
        rooms,
        async (transaction) => {
          const events: NewEvent[] = [];
          const result = await work(createRoomWriter(transaction, now()), (roomId, event) =>
            events.push(newEvent(roomId, event)),
          );
          if (events.length > 0) await log.append(transaction, events);
          return { result, told: events.length > 0 };
        },
        { signal },
      );
      if (told) log.committed();
      return result;
    },
    createOnce: (request, work) =>
      requestIds.once(request, (transaction) => work(createRoomWriter(transaction, now()))),
    purgeRequestIds: requestIds.purge,
  };
}
