// A room as the message that callers see.
import type { Room as RoomMessage } from "#proto/ecommerce/v1/support.ts";
import { etagOf } from "../shared/etag.ts";
import type { SeenRoom } from "./room.ts";

export function roomMessage({ room, unreadCount }: SeenRoom): RoomMessage {
  return {
    roomId: room.roomId,
    customerUserId: room.customerUserId,
    agentUserId: room.agentUserId ?? "",
    subject: room.subject,
    orderId: room.orderId ?? "",
    state: room.state,
    lastMessage: room.lastMessage,
    unreadCount,
    etag: etagOf(room.version),
    createTime: room.createTime,
    updateTime: room.updateTime,
  };
}
