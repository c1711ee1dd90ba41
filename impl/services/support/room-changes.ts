// The methods that change the standing of a room, and nothing else does. Each may be repeated: where the standing is reached already, the
// room is returned as it is, whatever etag comes with the request. What changes is told in the room, by the shop and as an event.
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type { Room as RoomMessage, SupportServiceDefinition } from "#proto/ecommerce/v1/support.ts";
import { requireEtag } from "../shared/etag.ts";
import { announcement, type Room, type RoomChange, roomType, transition } from "./room.ts";
import { roomMessage } from "./room-message.ts";
import type { RoomStore } from "./room-store.ts";
import type { RoomWriter } from "./room-writer.ts";
import { type CallerOf, requireVisible } from "./support-access.ts";
import { roomClosed } from "./support-errors.ts";

export interface RoomChangeOptions {
  readonly store: RoomStore;
  readonly newId: NewId;
  readonly callerOf: CallerOf;
}

type RoomChangeHandlers = Pick<
  HandlersOf<SupportServiceDefinition>,
  "assignRoom" | "closeRoom" | "reopenRoom"
>;

interface Target {
  readonly roomId: string;
  /** Empty means any version. */
  readonly etag: string;
}

export function createRoomChanges(options: RoomChangeOptions): RoomChangeHandlers {
  const handle = async (target: Target, change: RoomChange, call: Call) => ({
    room: await changeRoom(options, target, change, call),
  });
  return {
    assignRoom(request, call) {
      const agentUserId = request.agentUserId.toLowerCase();
      return handle(
        request,
        agentUserId === "" ? { kind: "release" } : { kind: "assign", agentUserId },
        call,
      );
    },
    closeRoom: (request, call) => handle(request, { kind: "close" }, call),
    reopenRoom: ({ roomId }, call) => handle({ roomId, etag: "" }, { kind: "reopen" }, call),
  };
}

async function changeRoom(
  { store, newId, callerOf }: RoomChangeOptions,
  { roomId, etag }: Target,
  change: RoomChange,
  { principal, signal }: Call,
): Promise<RoomMessage> {
  const caller = callerOf(principal);
  const room = await store.write(signal, async (writer, tell) => {
    const locked = requireVisible(caller, await writer.lock(roomId), roomId).room;
    const changed = await apply(writer, locked, etag, change, newId());
    if (changed.lastMessage === undefined) return changed;
    tell(changed.roomId, { $case: "message", value: changed.lastMessage });
    tell(changed.roomId, { $case: "room", value: roomMessage({ room: changed, unreadCount: 0 }) });
    return changed;
  });
  const seen = await store.find(roomId, caller.userId, signal);
  const lastMessage = room.lastMessage ?? seen?.room.lastMessage;
  return roomMessage({ room: { ...room, lastMessage }, unreadCount: seen?.unreadCount ?? 0 });
}

/** The room after the change with what the shop said of it; without, when the change has no effect. */
async function apply(
  writer: RoomWriter,
  locked: Room,
  etag: string,
  change: RoomChange,
  messageId: string,
): Promise<Room> {
  const { roomId } = locked;
  const standing = transition(locked, change);
  if (standing === undefined) throw roomClosed(roomId);
  if (standing === locked) return locked;
  requireEtag(etag, locked.version, roomType, roomId);
  const text = announcement(change);
  const lastMessage = await writer.say({ roomId, messageId, sender: undefined, text, clientMessageId: "" });
  return { ...(await writer.change(locked, standing)), lastMessage };
}
