// Pages of rooms and of messages: from the fields of a request to what is read, and to the token of the page that follows.
import type { ChatMessage, ListMessagesRequest, ListRoomsRequest } from "#proto/ecommerce/v1/support.ts";
import type { PageTokens, TokenUse } from "../shared/page-token.ts";
import type { RoomPageRequest, RoomPosition } from "./room-reads.ts";

const defaultPageSize = 50;
const largestPageSize = 200;

/** Above every sequence. */
export const afterTheLast = 2n ** 63n - 1n;

export interface RoomPages {
  readonly request: RoomPageRequest;
  /** Empty when nothing follows. */
  readonly tokenOf: (next: RoomPosition | undefined) => string;
}

export function roomPage(request: ListRoomsRequest, tokens: PageTokens): RoomPages {
  const conditions = {
    customerUserId: request.customerUserId.toLowerCase(),
    agentUserId: request.agentUserId.toLowerCase(),
    states: request.states.toSorted((one, other) => one - other),
  };
  const use: TokenUse = {
    purpose: "support.rooms.1",
    field: "page_token",
    boundTo: JSON.stringify(conditions),
  };
  return {
    request: {
      conditions,
      after: request.pageToken === "" ? undefined : toPosition(tokens.open(use, request.pageToken)),
      limit: pageSizeOf(request),
    },
    tokenOf: (next) => (next === undefined ? "" : tokens.seal(use, fromPosition(next))),
  };
}

function fromPosition({ spokenTime, roomId }: RoomPosition): string {
  return `${spokenTime.getTime()} ${roomId}`;
}

function toPosition(position: string): RoomPosition {
  const [time, roomId = ""] = position.split(" ");
  return { spokenTime: new Date(Number(time)), roomId };
}

export interface MessagePages {
  /** Messages with lower sequences are on the page ... */
  readonly before: bigint;
  /** ... up to so many. */
  readonly limit: number;
  /** Empty when nothing follows these messages, the latest of which comes first. */
  readonly tokenOf: (messages: readonly ChatMessage[]) => string;
}

export function messagePage(request: ListMessagesRequest, tokens: PageTokens): MessagePages {
  const use: TokenUse = {
    purpose: "support.messages.1",
    field: "page_token",
    boundTo: request.roomId.toLowerCase(),
  };
  return {
    before: request.pageToken === "" ? afterTheLast : BigInt(tokens.open(use, request.pageToken)),
    limit: pageSizeOf(request),
    // Sequences have no gaps: the first is 1.
    tokenOf(messages) {
      const oldest = messages.at(-1)?.sequence ?? 1n;
      return oldest === 1n ? "" : tokens.seal(use, String(oldest));
    },
  };
}

function pageSizeOf({ pageSize }: { readonly pageSize: number }): number {
  return Math.min(pageSize === 0 ? defaultPageSize : pageSize, largestPageSize);
}
