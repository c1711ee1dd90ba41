// What happened in a room as an event of the log, by which every process hears of it. The payload is the very message that callers
// get, but for what differs from one to the other: its token, and in a room what is unread.
import type { NewEvent } from "#impl/storage/events/event.ts";
import { ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";

export type RoomEvent = Extract<
  ChatWithSupportResponse["event"],
  { readonly $case: "message" | "read" | "room" }
>;

/** All events of a room have it. */
export function roomKey(roomId: string): string {
  return `room/${roomId}`;
}

export function newEvent(roomId: string, event: RoomEvent): NewEvent {
  const payload = ChatWithSupportResponse.encode({ roomId, event, resumeToken: "", clientMessageId: "" });
  return { type: `support.${event.$case}`, keys: [roomKey(roomId)], payload: payload.finish() };
}

/** Undefined for what this version does not know. */
export function roomEventOf({ payload }: Pick<NewEvent, "payload">): RoomEvent | undefined {
  const { event } = ChatWithSupportResponse.decode(payload);
  switch (event?.$case) {
    case "message":
    case "read":
    case "room":
      return event;
    default:
      return undefined;
  }
}
