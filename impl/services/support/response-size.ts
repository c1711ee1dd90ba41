// About how much memory a message takes that waits for its reader. Never less than it has on the wire.
import type { ChatMessage, ChatWithSupportResponse, Room } from "#proto/ecommerce/v1/support.ts";

/** Ids, times, the token and the rest. */
const bytesOfTheRest = 512;
const bytesOfAPresence = 64;
/** Of a UTF-16 unit in UTF-8. */
const bytesOfAUnit = 3;

export function bytesAtMost({ event }: ChatWithSupportResponse): number {
  switch (event?.$case) {
    case "message":
      return bytesOfTheRest + ofMessage(event.value);
    case "history":
      return event.value.messages.reduce((bytes, message) => bytes + ofMessage(message), bytesOfTheRest);
    case "joined":
      return bytesOfTheRest + ofRoom(event.value.room) + bytesOfAPresence * event.value.participants.length;
    case "room":
      return bytesOfTheRest + ofRoom(event.value);
    case "error":
      return event.value.details.reduce((bytes, { value }) => bytes + value.byteLength, 2 * bytesOfTheRest);
    default:
      return bytesOfTheRest;
  }
}

function ofMessage({ text }: ChatMessage): number {
  return bytesOfTheRest / 2 + bytesOfAUnit * text.length;
}

function ofRoom(room: Room | undefined): number {
  if (room === undefined) return 0;
  const last = room.lastMessage === undefined ? 0 : ofMessage(room.lastMessage);
  return bytesOfAUnit * room.subject.length + last;
}
