// Who is in which room, as the processes say: each for its own streams, under a lease that it must renew. The clock of leases is the
// database's, the same for all. Notices of moments go out with what is said, at its commit.
import { sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import type { ParticipantRole, Presence } from "#proto/ecommerce/v1/support.ts";

export interface Present {
  readonly role: ParticipantRole;
  readonly presence: Presence;
}

/** What a process has to say of somebody in a room; undefined is that it knows of no stream. */
export interface Statement {
  readonly roomId: string;
  readonly userId: string;
  readonly present: Present | undefined;
}

export interface PresenceStore {
  /** True when there was no lease, and so nothing that the process had said. Ends the leases of others that have run out. */
  renew(): Promise<boolean>;
  /** Needs the lease: fails with FOREIGN_KEY_VIOLATION when it has ended. Tells the notices to all processes. */
  say(statements: readonly Statement[], notices: readonly string[]): Promise<void>;
  /** Who is in these rooms, by room and by user. */
  read(roomIds: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, Present>>>;
  /** Ends the lease, and with it all that was said. */
  release(): Promise<void>;
}

export interface PresenceStoreOptions {
  readonly processId: string;
  readonly leaseMs: number;
  /** Of notifications. */
  readonly channel: string;
}

export function createPresenceStore(
  { queries }: Pick<Database<unknown>, "queries">,
  { processId, leaseMs, channel }: PresenceStoreOptions,
): PresenceStore {
  const expiry = sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;
  return {
    async renew() {
      const { numAffectedRows } = await sql`
        with ended as (
          delete from support.presence_leases where expiry_time < clock_timestamp() and process_id <> ${processId}
        )
        update support.presence_leases set expiry_time = ${expiry} where process_id = ${processId}`.execute(
        queries,
      );
      if (numAffectedRows === 1n) return false;
      await sql`insert into support.presence_leases (process_id, expiry_time) values (${processId}, ${expiry})
        on conflict (process_id) do update set expiry_time = excluded.expiry_time`.execute(queries);
      return true;
    },

    async say(statements, notices) {
      const here = statements.flatMap(({ roomId, userId, present }) =>
        present === undefined ? [] : [{ room: roomId, user: userId, ...present }],
      );
      const gone = statements.flatMap(({ roomId, userId, present }) =>
        present === undefined ? [{ room: roomId, user: userId }] : [],
      );
      await sql`
        with gone as (
          delete from support.presences as presence
          using jsonb_to_recordset(${JSON.stringify(gone)}::jsonb) as gone ("room" uuid, "user" text)
          where process_id = ${processId} and presence.room_id = gone."room" and presence.user_id = gone."user"
        ), here as (
          insert into support.presences (room_id, user_id, process_id, role, presence)
          select "room", "user", ${processId}, role, presence
          from jsonb_to_recordset(${JSON.stringify(here)}::jsonb)
            as here ("room" uuid, "user" text, role smallint, presence smallint)
          on conflict (room_id, user_id, process_id) do update
          set role = excluded.role, presence = excluded.presence
        )
        select pg_notify(${channel}, notice) from unnest(${notices}::text[]) as notice`.execute(queries);
    },

    async read(roomIds) {
      // Of several processes the best counts: online is below away.
      const { rows } = await sql<Present & { readonly roomId: string; readonly userId: string }>`
        select room_id as "roomId", user_id as "userId", min(role) as role, min(presence) as presence
        from support.presences join support.presence_leases using (process_id)
        where room_id = any(${roomIds}::uuid[]) and expiry_time > clock_timestamp()
        group by room_id, user_id`.execute(queries);
      const byRoom = Map.groupBy(rows, ({ roomId }) => roomId);
      return new Map(
        [...byRoom].map(([roomId, present]) => [
          roomId,
          new Map(present.map(({ userId, role, presence }) => [userId, { role, presence }])),
        ]),
      );
    },

    async release() {
      await sql`delete from support.presence_leases where process_id = ${processId}`.execute(queries);
    },
  };
}
