// The methods of rooms but for the stream: each as its steps. Access by the policy of the method and the rules of fields were checked
// before; whether the caller may see the room is checked here.
import type { Call } from "#impl/runtime/call.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import {
  CreateRoomRequest,
  CreateRoomResponse,
  type SupportServiceDefinition,
} from "#proto/ecommerce/v1/support.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import type { Room } from "./room.ts";
import { roomMessage } from "./room-message.ts";
import { messagePage, roomPage } from "./room-pages.ts";
import type { RoomStore } from "./room-store.ts";
import { type CallerOf, participantOf, requireSeen } from "./support-access.ts";

export interface RoomHandlerOptions {
  readonly store: RoomStore;
  /** For page tokens. */
  readonly tokens: PageTokens;
  readonly newId: NewId;
  readonly callerOf: CallerOf;
}

type RoomHandlers = Pick<
  HandlersOf<SupportServiceDefinition>,
  "createRoom" | "getRoom" | "listRooms" | "listMessages"
>;

export function createRoomHandlers(options: RoomHandlerOptions): RoomHandlers {
  const { store, tokens, callerOf } = options;
  return {
    createRoom: (request, call) => createRoom(options, request, call),

    async getRoom({ roomId }, { principal, signal }) {
      const caller = callerOf(principal);
      const seen = await store.find(roomId, caller.userId, signal);
      return { room: roomMessage(requireSeen(caller, seen, roomId)) };
    },

    async listRooms(request, { principal, signal }) {
      const pages = roomPage(request, tokens);
      const { rooms, next } = await store.page(pages.request, callerOf(principal).userId, signal);
      return { rooms: rooms.map(roomMessage), nextPageToken: pages.tokenOf(next) };
    },

    async listMessages(request, { principal, signal }) {
      const { roomId } = request;
      const pages = messagePage(request, tokens);
      const caller = callerOf(principal);
      const seen = await store.find(roomId, caller.userId, signal);
      requireSeen(caller, seen, roomId);
      const messages = await store.messagesBefore(roomId, pages.before, pages.limit, signal);
      return { messages, nextPageToken: pages.tokenOf(messages) };
    },
  };
}

async function createRoom(
  { store, newId, callerOf }: RoomHandlerOptions,
  request: CreateRoomRequest,
  call: Call,
): Promise<CreateRoomResponse> {
  const { customerUserId, subject, orderId, text, requestId } = request;
  requireStorableText({ subject, text }, "");
  const content = CreateRoomRequest.encode({ ...request, requestId: "" }).finish();
  const sender = participantOf(callerOf(call.principal), customerUserId);
  return await store.createOnce(
    { call, requestId, content, response: CreateRoomResponse },
    async (writer) => {
      const room = await writer.insert({
        roomId: newId(),
        customerUserId: customerUserId.toLowerCase(),
        subject,
        orderId: orderId === "" ? undefined : orderId.toLowerCase(),
      });
      const { roomId } = room;
      const said =
        text === ""
          ? undefined
          : await writer.say({ roomId, messageId: newId(), sender, text, clientMessageId: "" });
      const opened: Room = { ...room, lastMessage: said };
      return { room: roomMessage({ room: opened, unreadCount: 0 }) };
    },
  );
}
