// Changes of rooms within one transaction. A message gets its sequence under the lock of its room's row, so that sequences have no
// gaps, and the events of a room come in the order of its messages.
import type { Transaction } from "kysely";
import type { ChatMessage, MessageStored } from "#proto/ecommerce/v1/support.ts";
import { type NewRoom, ParticipantRole, type Room, RoomState, type Standing } from "./room.ts";
import { findSaid, insertMessage, lockReaders, markRead, type Saying } from "./room-statements.ts";
import { roomColumns, roomOf, type SupportTables } from "./support-tables.ts";

export interface RoomWriter {
  insert(room: NewRoom): Promise<Room>;
  /** The room without its last message, as it is now and stays until the transaction ends but for what this writer changes. */
  lock(roomId: string): Promise<Room | undefined>;
  /** Undefined when nothing was stored: the room is closed, which does not stop the shop itself, or the sender has said it before. */
  say(saying: Saying): Promise<ChatMessage | undefined>;
  /** What the sender has said under this id of its own. */
  said(roomId: string, senderUserId: string, clientMessageId: string): Promise<MessageStored | undefined>;
  /** Gives a locked room another standing. */
  change(locked: Room, standing: Standing): Promise<Room>;
  /** How far the reader has read now, at most the last message; undefined when that is no further than before. */
  read(roomId: string, userId: string, sequence: bigint): Promise<bigint | undefined>;
}

export function createRoomWriter(transaction: Transaction<SupportTables>, now: Date): RoomWriter {
  return {
    async insert(room) {
      await transaction
        .insertInto("support.rooms")
        .values({
          room_id: room.roomId,
          customer_user_id: room.customerUserId,
          subject: room.subject,
          order_id: room.orderId ?? null,
          state: RoomState.ROOM_STATE_WAITING,
          create_time: now,
          update_time: now,
          spoken_time: now,
        })
        .execute();
      return {
        ...room,
        agentUserId: undefined,
        state: RoomState.ROOM_STATE_WAITING,
        version: 1n,
        lastSequence: 0n,
        lastMessage: undefined,
        createTime: now,
        updateTime: now,
      };
    },

    async lock(roomId) {
      const row = await transaction
        .selectFrom("support.rooms")
        .select(roomColumns)
        .where("room_id", "=", roomId)
        .forNoKeyUpdate()
        .executeTakeFirst();
      return row === undefined ? undefined : roomOf(row, undefined);
    },

    async say(saying) {
      const { rows } = await insertMessage(saying, now).execute(transaction);
      const [stored] = rows;
      return stored === undefined ? undefined : messageOfSaying(saying, stored.sequence, now);
    },

    async said(roomId, senderUserId, clientMessageId) {
      const { rows } = await findSaid(roomId, senderUserId, clientMessageId).execute(transaction);
      return rows[0];
    },

    async change(locked, { state, agentUserId }) {
      const changed = { ...locked, state, agentUserId, version: locked.version + 1n, updateTime: now };
      await transaction
        .updateTable("support.rooms")
        .set({ state, agent_user_id: agentUserId ?? null, version: changed.version, update_time: now })
        .where("room_id", "=", locked.roomId)
        .execute();
      return changed;
    },

    async read(roomId, userId, sequence) {
      await lockReaders(roomId).execute(transaction);
      const { rows } = await markRead(roomId, userId, sequence).execute(transaction);
      return rows[0]?.sequence;
    },
  };
}

function messageOfSaying(
  { messageId, roomId, sender, text, clientMessageId }: Saying,
  sequence: bigint,
  createTime: Date,
): ChatMessage {
  return {
    messageId,
    roomId,
    sequence,
    senderUserId: sender?.userId ?? "",
    senderRole: sender?.role ?? ParticipantRole.PARTICIPANT_ROLE_SYSTEM,
    text,
    createTime,
    clientMessageId,
  };
}
