// What a room is, and the rules that the schema's field rules cannot say. No I/O.
import { type ChatMessage, ParticipantRole, RoomState } from "#proto/ecommerce/v1/support.ts";

export { ParticipantRole, RoomState };

export const roomType = "ecommerce.v1.Room";

export interface Room {
  readonly roomId: string;
  readonly customerUserId: string;
  readonly agentUserId: string | undefined;
  readonly subject: string;
  readonly orderId: string | undefined;
  readonly state: RoomState;
  /** Grows by one with every change of the room itself. */
  readonly version: bigint;
  /** Messages have the sequences 1 to this one. */
  readonly lastSequence: bigint;
  readonly lastMessage: ChatMessage | undefined;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** A room as somebody sees it. */
export interface SeenRoom {
  readonly room: Room;
  readonly unreadCount: number;
}

export type NewRoom = Pick<Room, "roomId" | "customerUserId" | "subject" | "orderId">;

/** Who does something in a room. */
export interface Participant {
  readonly userId: string;
  readonly role: ParticipantRole;
}

export type RoomChange =
  | { readonly kind: "assign"; readonly agentUserId: string }
  | { readonly kind: "release" }
  | { readonly kind: "close" }
  | { readonly kind: "reopen" };

/** Whose turn it is. */
export type Standing = Pick<Room, "state" | "agentUserId">;

const { ROOM_STATE_WAITING: waiting, ROOM_STATE_ASSIGNED: assigned, ROOM_STATE_CLOSED: closed } = RoomState;

/** The standing after the change, the same object when it has no effect; undefined when a closed room does not allow it. */
export function transition(standing: Standing, change: RoomChange): Standing | undefined {
  const { state, agentUserId } = standing;
  switch (change.kind) {
    case "assign":
      if (state === closed) return undefined;
      return agentUserId === change.agentUserId
        ? standing
        : { state: assigned, agentUserId: change.agentUserId };
    case "release":
      if (state === closed) return undefined;
      return state === waiting ? standing : { state: waiting, agentUserId: undefined };
    case "close":
      return state === closed ? standing : { state: closed, agentUserId };
    case "reopen":
      return state === closed ? { state: waiting, agentUserId: undefined } : standing;
  }
}

/** What the shop says in the room when it changes. */
export function announcement({ kind }: RoomChange): string {
  switch (kind) {
    case "assign":
      return "An agent has taken the conversation.";
    case "release":
      return "The conversation waits for an agent.";
    case "close":
      return "The conversation was closed.";
    case "reopen":
      return "The conversation was opened again.";
  }
}
