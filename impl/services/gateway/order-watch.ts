// WatchOrders of all orders, from a place in the log: its messages as events with their positions.
import type { Metadata } from "@grpc/grpc-js";
import { CallError } from "#impl/client/call-error.ts";
import type { Code } from "#impl/runtime/status.ts";
import type { Event } from "#impl/storage/events/event.ts";
import {
  OrderEvent,
  WatchOrdersRequest,
  type WatchOrdersResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { watchOrdersTokens } from "../shared/watch-orders-tokens.ts";
import type { Orders } from "./order-feed.ts";

export interface OrderWatch {
  /** After which event it begins. */
  readonly begin: Promise<bigint>;
  readonly messages: AsyncIterable<WatchMessage>;
}

export interface WatchMessage {
  /** All events up to here have been told. */
  readonly position: bigint;
  /** Undefined for a sign of life. */
  readonly event: Event | undefined;
}

export interface OrderWatchNeeds {
  readonly orders: Orders;
  readonly tokens: PageTokens;
}

/** Often, so that a silent stream can be told from a dead one soon. */
const HEARTBEAT = { seconds: 1n, nanos: 0 };
const RESUME_TOKEN = "resume-token";
const ALL_ORDERS = { ...watchOrdersTokens("", [], []), field: "resume_token" };

/** `after` undefined is from now on. Both parts of the result fail with the call. */
export function openOrderWatch(
  { orders, tokens }: OrderWatchNeeds,
  after: bigint | undefined,
  signal: AbortSignal,
): OrderWatch {
  const resumeToken = after === undefined ? "" : tokens.seal(ALL_ORDERS, String(after));
  const { promise: begin, resolve, reject } = Promise.withResolvers<bigint>();
  const placeOf = (token: string): bigint => BigInt(tokens.open(ALL_ORDERS, token));
  const onHeaders = (headers: Metadata): void => {
    const [token] = headers.get(RESUME_TOKEN);
    if (typeof token === "string") resolve(placeOf(token));
    else reject(new Error("OrderService does not say where its stream begins"));
  };
  const request = WatchOrdersRequest.fromPartial({ heartbeatInterval: HEARTBEAT, resumeToken });
  const responses = orders.watchOrders(request, { signal, onHeaders })[Symbol.asyncIterator]();
  const first = responses.next();
  // Where there are no headers the first message fails.
  first.then(({ done }) => done && reject(new Error("OrderService ended its stream")), reject);
  begin.catch(() => {});
  return {
    begin,
    messages: (async function* () {
      try {
        for (let { value, done } = await first; done !== true; { value, done } = await responses.next()) {
          yield messageOf(value, placeOf);
        }
        throw new Error("OrderService ended its stream");
      } finally {
        await responses.return?.();
      }
    })(),
  };
}

function messageOf(
  { event, resumeToken }: WatchOrdersResponse,
  placeOf: (token: string) => bigint,
): WatchMessage {
  const position = placeOf(resumeToken);
  return { position, event: event?.$case === "update" ? logged(event.value, position) : undefined };
}

const changes = new WeakMap<Event, OrderEvent>();

function logged(change: OrderEvent, position: bigint): Event {
  const { orderId = "", userId = "" } = change.order ?? {};
  const event: Event = {
    position,
    type: "order.changed",
    keys: userId === "" ? [orderKey(orderId)] : [orderKey(orderId), userKey(userId)],
    payload: OrderEvent.encode(change).finish(),
    time: change.eventTime?.getTime() ?? 0,
  };
  changes.set(event, change);
  return event;
}

/** Read once for all readers. */
export function changeOf(event: Event): OrderEvent {
  const known = changes.get(event) ?? OrderEvent.decode(event.payload);
  changes.set(event, known);
  return known;
}

export const orderKey = (orderId: string): string => `order/${orderId}`;
export const userKey = (userId: string): string => `user/${userId}`;

export function isCode(error: unknown, code: Code): error is CallError {
  return error instanceof CallError && error.code === code;
}
