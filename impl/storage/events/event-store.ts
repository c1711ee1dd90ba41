// The SQL of an event log: the only place that knows its tables. See migrations/0001_outbox.sql.
import { CompiledQuery, sql, type Transaction } from "kysely";
import type { Database } from "../database.ts";
import type { Event, NewEvent } from "./event.ts";
import { eventInsertion, eventParameters } from "./event-insertion.ts";

export interface EventStore {
  append<T>(transaction: Transaction<T>, events: readonly NewEvent[], time: Date): Promise<void>;
  /** Gives positions to up to `limit` committed events that have none, in a transaction of its own. */
  number(limit: number, signal: AbortSignal): Promise<Numbered>;
  /** Up to `limit` events with after < position <= through, of all keys or of these. */
  read(range: EventRange, signal: AbortSignal): Promise<EventPage>;
  /** When the oldest event that is kept was written. Undefined when none is. */
  oldestTime(signal: AbortSignal): Promise<number | undefined>;
  /** Deletes the oldest events, up to `limit`, that were written before `time`; how many. */
  purge(time: Date, limit: number, signal: AbortSignal): Promise<number>;
}

export interface Numbered {
  /** The last position that was given before. */
  readonly head: bigint;
  /** In order; those that were given their positions now, which follow the last one that was given by anyone. */
  readonly events: readonly Event[];
}

export interface EventRange {
  readonly after: bigint;
  readonly through: bigint;
  readonly keys: readonly string[] | undefined;
  readonly limit: number;
}

export interface EventPage {
  /** In order. */
  readonly events: readonly Event[];
  /** Events up to here are no longer kept. */
  readonly purgedThrough: bigint;
}

interface Row {
  readonly position: bigint | null;
  readonly type: string;
  readonly keys: string[];
  readonly payload: Buffer;
  readonly write_time: Date;
}

export function createEventStore<T>({ queries }: Database<T>, schema: string): EventStore {
  const outbox = sql.table(`${schema}.outbox`);
  const head = sql.table(`${schema}.outbox_head`);
  const insertion = eventInsertion({ schema, firstParameter: 1 });
  const number = sql.ref(`${schema}.number_events`);
  const columns = sql`event.position, event.type, event.keys, event.payload, event.write_time`;
  return {
    async append(transaction, events, time) {
      if (events.length === 0) return;
      await transaction.executeQuery(CompiledQuery.raw(insertion, eventParameters(events, time)));
    },

    async number(limit, signal) {
      const { rows } = await sql<Row & { readonly head: bigint }>`
        select event.head, ${columns} from ${number}(${limit}) as event order by event.position`.execute(
        queries,
        { signal },
      );
      return { head: rows[0]?.head ?? 0n, events: rows.flatMap(eventsOf) };
    },

    async read({ after, through, keys, limit }, signal) {
      const matching = keys === undefined ? sql`` : sql`and keys && ${keys}::text[]`;
      // One statement, so that what it finds and what was purged are of the same moment.
      const { rows } = await sql<Row & { readonly purged_through: bigint }>`
        select head.purged_through, ${columns}
        from ${head} as head left join (
          select * from ${outbox} where position > ${after} and position <= ${through} ${matching}
          order by position limit ${limit}
        ) as event on true
        order by event.position`.execute(queries, { signal });
      return { purgedThrough: rows[0]?.purged_through ?? 0n, events: rows.flatMap(eventsOf) };
    },

    async oldestTime(signal) {
      const { rows } = await sql<{ readonly write_time: Date }>`
        select write_time from ${outbox} where position is not null
        order by position limit 1`.execute(queries, { signal });
      return rows[0]?.write_time.getTime();
    },

    async purge(time, limit, signal) {
      const { numAffectedRows = 0n } = await sql`
        with head as materialized (select purged_through from ${head} for update),
        oldest as materialized (
          select event.position, event.write_time
          from head, lateral (
            select position, write_time from ${outbox}
            where position > head.purged_through order by position limit ${limit}
          ) as event
        ),
        purged as (
          update ${head} set purged_through = last.position
          from (
            select max(position) as position from oldest
            where position < all (select position from oldest where write_time >= ${time})
          ) as last
          where last.position is not null
          returning last.position
        )
        delete from ${outbox} as event using purged where event.position <= purged.position`.execute(
        queries,
        {
          signal,
        },
      );
      return Number(numAffectedRows);
    },
  };
}

/** None for the row that says only how far the log is. */
function eventsOf({ position, type, keys, payload, write_time }: Row): Event[] {
  return position === null ? [] : [{ position, type, keys, payload, time: write_time.getTime() }];
}
