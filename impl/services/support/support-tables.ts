// The tables of rooms as rows, and a row as a room or a message.
import type { Generated, Selectable } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import type { ChatMessage } from "#proto/ecommerce/v1/support.ts";
import type { ParticipantRole, Room, RoomState, SeenRoom } from "./room.ts";

/** For `migrate`: what must be there before the service runs, beside the tables of its event log. */
export const supportSchema: MigrationOptions = {
  schema: "support",
  folder: new URL("./migrations/", import.meta.url),
};

export interface SupportTables {
  "support.rooms": RoomsTable;
}

interface RoomsTable {
  room_id: string;
  customer_user_id: string;
  agent_user_id: string | null;
  subject: string;
  order_id: string | null;
  state: RoomState;
  version: Generated<bigint>;
  last_sequence: Generated<bigint>;
  create_time: Date;
  update_time: Date;
  spoken_time: Date;
}

export const roomColumns = [
  "room_id",
  "customer_user_id",
  "agent_user_id",
  "subject",
  "order_id",
  "state",
  "version",
  "last_sequence",
  "create_time",
  "update_time",
] as const satisfies readonly (keyof RoomsTable)[];

export type RoomRow = Pick<Selectable<RoomsTable>, (typeof roomColumns)[number]>;

/** A row of support.messages. */
export interface MessageRow {
  readonly message_id: string;
  readonly room_id: string;
  readonly sequence: bigint;
  readonly sender_user_id: string | null;
  readonly sender_role: ParticipantRole;
  readonly text: string;
  readonly client_message_id: string | null;
  readonly create_time: Date;
}

/** A room with its latest message, whose columns are null when there is none, and with what one reader has not read. */
export interface SeenRoomRow extends RoomRow {
  readonly message_id: string | null;
  readonly sender_user_id: string | null;
  readonly sender_role: ParticipantRole;
  readonly text: string;
  readonly client_message_id: string | null;
  readonly message_time: Date;
  readonly unread: bigint;
}

export function roomOf(row: RoomRow, lastMessage: ChatMessage | undefined): Room {
  return {
    roomId: row.room_id,
    customerUserId: row.customer_user_id,
    agentUserId: row.agent_user_id ?? undefined,
    subject: row.subject,
    orderId: row.order_id ?? undefined,
    state: row.state,
    version: row.version,
    lastSequence: row.last_sequence,
    lastMessage,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

export function seenRoomOf(row: SeenRoomRow): SeenRoom {
  const { message_id, last_sequence: sequence, message_time: create_time } = row;
  const lastMessage =
    message_id === null ? undefined : messageOf({ ...row, message_id, sequence, create_time });
  return { room: roomOf(row, lastMessage), unreadCount: Number(row.unread) };
}

export function messageOf(row: MessageRow): ChatMessage {
  return {
    messageId: row.message_id,
    roomId: row.room_id,
    sequence: row.sequence,
    senderUserId: row.sender_user_id ?? "",
    senderRole: row.sender_role,
    text: row.text,
    createTime: row.create_time,
    clientMessageId: row.client_message_id ?? "",
  };
}
