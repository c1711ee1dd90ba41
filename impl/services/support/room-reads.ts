// Reads of rooms and of what was said in them, each one statement. Pages begin after a position, so that none comes twice and the last
// costs no more than the first.
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { ChatMessage, ReadChanged } from "#proto/ecommerce/v1/support.ts";
import { RoomState, type SeenRoom } from "./room.ts";
import {
  type MessageRow,
  messageOf,
  type SeenRoomRow,
  type SupportTables,
  seenRoomOf,
} from "./support-tables.ts";

/** An empty condition does not restrict. */
export interface RoomConditions {
  readonly customerUserId: string;
  readonly agentUserId: string;
  readonly states: readonly RoomState[];
}

/** Between the rooms with this one and the next. */
export interface RoomPosition {
  readonly spokenTime: Date;
  readonly roomId: string;
}

export interface RoomPage {
  readonly rooms: readonly SeenRoom[];
  /** Undefined on the last page. */
  readonly next: RoomPosition | undefined;
}

export interface RoomPageRequest {
  readonly conditions: RoomConditions;
  /** Undefined means from the start. */
  readonly after: RoomPosition | undefined;
  readonly limit: number;
}

export interface RoomReads {
  /** The room as this reader sees it. */
  find(roomId: string, readerUserId: string, signal: AbortSignal): Promise<SeenRoom | undefined>;
  /** The one with the latest message first. */
  page(request: RoomPageRequest, readerUserId: string, signal: AbortSignal): Promise<RoomPage>;
  /** Messages with lower sequences than `before`, the latest first. */
  messagesBefore(roomId: string, before: bigint, limit: number, signal: AbortSignal): Promise<ChatMessage[]>;
  /** Messages with after < sequence <= through, the first first. */
  messagesAfter(range: MessageRange, limit: number, signal: AbortSignal): Promise<ChatMessage[]>;
  /** How far those have read that have read anything; the first `limit` of them. */
  reads(roomId: string, limit: number, signal: AbortSignal): Promise<ReadChanged[]>;
}

export interface MessageRange {
  readonly roomId: string;
  readonly after: bigint;
  readonly through: bigint;
}

const messageColumns = sql`message_id, room_id, sequence, sender_user_id, sender_role, text, client_message_id, create_time`;

export function prepareReads(queries: Kysely<SupportTables>): RoomReads {
  const messages = async (query: RawBuilder<MessageRow>, signal: AbortSignal): Promise<ChatMessage[]> =>
    (await query.execute(queries, { signal })).rows.map(messageOf);
  return {
    async find(roomId, readerUserId, signal) {
      const chosen = sql`select * from support.rooms where room_id = ${roomId}`;
      const { rows } = await seenBy(readerUserId, chosen).execute(queries, { signal });
      return rows.map(seenRoomOf)[0];
    },
    async page({ conditions, after, limit }, readerUserId, signal) {
      const chosen = sql`select * from support.rooms where ${restriction(conditions, after)}
        order by spoken_time desc, room_id desc limit ${limit + 1}`;
      const { rows } = await seenBy(readerUserId, chosen).execute(queries, { signal });
      const shown = rows.slice(0, limit);
      const last = rows.length > shown.length ? shown.at(-1) : undefined;
      return {
        rooms: shown.map(seenRoomOf),
        next: last === undefined ? undefined : { spokenTime: last.spoken_time, roomId: last.room_id },
      };
    },
    messagesBefore(roomId, before, limit, signal) {
      const query = sql<MessageRow>`select ${messageColumns} from support.messages
        where room_id = ${roomId} and sequence < ${before} order by sequence desc limit ${limit}`;
      return messages(query, signal);
    },
    messagesAfter({ roomId, after, through }, limit, signal) {
      const query = sql<MessageRow>`select ${messageColumns} from support.messages
        where room_id = ${roomId} and sequence > ${after} and sequence <= ${through}
        order by sequence limit ${limit}`;
      return messages(query, signal);
    },
    async reads(roomId, limit, signal) {
      const { rows } = await sql<ReadChanged>`select user_id as "userId", read_sequence as sequence
        from support.readers where room_id = ${roomId} and read_sequence > 0
        order by user_id limit ${limit}`.execute(queries, { signal });
      return rows;
    },
  };
}

/** The chosen rooms in the order of lists, with what is read beside them by their keys. */
function seenBy(readerUserId: string, chosen: RawBuilder<unknown>) {
  return sql<SeenRoomRow & { readonly spoken_time: Date }>`
    select room.*, message.message_id, message.sender_user_id, message.sender_role, message.text,
      message.client_message_id, message.create_time as message_time,
      room.last_sequence - coalesce(reader.read_sequence + reader.own_after, 0) as unread
    from (${chosen}) as room
    left join support.messages as message
      on message.room_id = room.room_id and message.sequence = room.last_sequence
    left join support.readers as reader on reader.room_id = room.room_id and reader.user_id = ${readerUserId}
    order by room.spoken_time desc, room.room_id desc`;
}

function restriction(
  { customerUserId, agentUserId, states }: RoomConditions,
  after: RoomPosition | undefined,
): RawBuilder<unknown> {
  const conditions = [sql`true`];
  if (customerUserId !== "") conditions.push(sql`customer_user_id = ${customerUserId}`);
  if (agentUserId !== "") conditions.push(sql`agent_user_id = ${agentUserId}`);
  if (states.length > 0) {
    conditions.push(sql`state = any(${states}::smallint[])`);
    // Written out where it can be: the planner takes an index with a condition only for a query that states it.
    if (!states.includes(RoomState.ROOM_STATE_CLOSED)) conditions.push(sql`state <> 3`);
  }
  if (after !== undefined) {
    conditions.push(sql`(spoken_time, room_id) < (${after.spokenTime}::timestamptz, ${after.roomId}::uuid)`);
  }
  return sql.join(conditions, sql` and `);
}
