// The statements that say and read, in SQL: each does in one round trip what belongs together.
import { type RawBuilder, sql } from "kysely";
import type { MessageStored } from "#proto/ecommerce/v1/support.ts";
import { type Participant, ParticipantRole } from "./room.ts";

/** Something that somebody wants to say. */
export interface Saying {
  readonly roomId: string;
  readonly messageId: string;
  /** Undefined is the shop itself. */
  readonly sender: Participant | undefined;
  readonly text: string;
  /** Empty for what cannot be sent again. */
  readonly clientMessageId: string;
}

/**
 * Locks the room, and unless it is closed or the sender has said this before stores the message under the next sequence. Nobody is made to
 * read what he said himself: it counts among the messages after those he has read.
 */
export function insertMessage(saying: Saying, now: Date): RawBuilder<{ readonly sequence: bigint }> {
  const { roomId, messageId, sender, text, clientMessageId } = saying;
  const senderId = sender?.userId ?? null;
  const role = sender?.role ?? ParticipantRole.PARTICIPANT_ROLE_SYSTEM;
  return sql`
    with room as (
      select last_sequence + 1 as sequence from support.rooms
      where room_id = ${roomId} and (state <> 3 or ${senderId}::text is null) for no key update
    ), said as (
      insert into support.messages (room_id, sequence, message_id, sender_user_id, sender_role, text, client_message_id, create_time)
      select ${roomId}::uuid, sequence, ${messageId}::uuid, ${senderId}::text, ${role}::smallint, ${text}::text,
        ${clientMessageId === "" ? null : clientMessageId}::uuid, ${now}::timestamptz
      from room
      on conflict (room_id, sender_user_id, client_message_id) where client_message_id is not null do nothing
      returning sequence
    ), counted as (
      update support.rooms as room
      set last_sequence = said.sequence, update_time = ${now}, spoken_time = ${now}
      from said where room.room_id = ${roomId}
    ), own as (
      insert into support.readers as reader (room_id, user_id, own_after)
      select ${roomId}::uuid, ${senderId}::text, 1 from said where ${senderId}::text is not null
      on conflict (room_id, user_id) do update set own_after = reader.own_after + 1
    )
    select sequence from said`;
}

export function findSaid(
  roomId: string,
  senderUserId: string,
  clientMessageId: string,
): RawBuilder<MessageStored> {
  return sql`
    select message_id as "messageId", sequence, create_time as "createTime" from support.messages
    where room_id = ${roomId} and sender_user_id = ${senderUserId} and client_message_id = ${clientMessageId}`;
}

/** While somebody says something, nobody's own messages can be counted. Of itself, so that the next statement sees what was said. */
export function lockReaders(roomId: string): RawBuilder<unknown> {
  return sql`select from support.rooms where room_id = ${roomId} for share`;
}

/** Needs the lock of the readers. No row when that is no further than before. */
export function markRead(
  roomId: string,
  userId: string,
  sequence: bigint,
): RawBuilder<{ readonly sequence: bigint }> {
  return sql`
    with target as (
      select least(${sequence}::bigint, last_sequence) as sequence from support.rooms
      where room_id = ${roomId} and last_sequence > 0
    )
    insert into support.readers as reader (room_id, user_id, read_sequence, own_after)
    select ${roomId}::uuid, ${userId}::text, sequence, (
      select count(*) from support.messages as message
      where message.room_id = ${roomId} and message.sequence > target.sequence and sender_user_id = ${userId}
    ) from target
    on conflict (room_id, user_id) do update
    set read_sequence = excluded.read_sequence, own_after = excluded.own_after
    where reader.read_sequence < excluded.read_sequence
    returning read_sequence as sequence`;
}
