// TrackOrder and WatchOrders: the log of orders as streams, of one order from its present state to its end, or of many from now on.
import type { Call } from "#impl/runtime/call.ts";
import type { HandlersOf } from "#impl/runtime/service.ts";
import type { Event } from "#impl/storage/events/event.ts";
import {
  OrderEvent,
  type OrderServiceDefinition,
  type TrackOrderRequest,
  type TrackOrderResponse,
  type WatchOrdersRequest,
  type WatchOrdersResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import { versionOf } from "../shared/etag.ts";
import { type EventStreamOptions, eventStream } from "../shared/event-stream.ts";
import { placeTokens } from "../shared/event-stream-place.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { watchOrdersTokens } from "../shared/watch-orders-tokens.ts";
import { type Order, OrderStatus } from "./order.ts";
import { orderKey, userKey } from "./order-event.ts";
import { orderMessage } from "./order-message.ts";
import { type OrderConditions, type OrderPlace, readPage } from "./order-pages.ts";
import { findOrder, findOrders } from "./order-reads.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { isFinal } from "./order-status.ts";

type Handlers = HandlersOf<typeof OrderServiceDefinition>;
type Streamed = TrackOrderResponse & WatchOrdersResponse;

const SNAPSHOT_PAGE = 100;
/** How long to wait for the log to tell that nothing follows. */
const LOOK_MS = 50;

export function orderStreams(context: OrderServiceContext): Pick<Handlers, "trackOrder" | "watchOrders"> {
  return {
    trackOrder: (request, call) => trackOrder(context, request, call),
    watchOrders: (request, call) => watchOrders(context, request, call),
  };
}

async function* trackOrder(
  context: OrderServiceContext,
  request: TrackOrderRequest,
  call: Call,
): AsyncGenerator<TrackOrderResponse> {
  const orderId = request.orderId.toLowerCase();
  const find = async (): Promise<Order> =>
    context.access.require(
      await findOrder(context.database.queries, orderId, call.signal),
      orderId,
      call,
      "orders.read",
    );
  const order = await find();
  // Changes up to this version were told, by the snapshot if not one by one: told after it, they would lead an order back. The log may
  // be behind the snapshot, so that its place alone does not say so: whoever resumes brings the version along.
  const told = { version: 0n };
  const stream: EventStreamOptions<Streamed> = {
    ...common(context, request, call),
    tokens: tokensWithVersion(context.tokens, told),
    purpose: "orders.track.1",
    boundTo: orderId,
    start: "snapshot",
    keys: [orderKey(orderId)],
    update(event) {
      const change = eventOf(event);
      const version = versionOf(change.order?.etag ?? "");
      if (version <= told.version) return undefined;
      told.version = version;
      return updateMessage(change);
    },
    async *snapshot() {
      const present = await find();
      told.version = present.version;
      yield snapshotMessage(present);
    },
    isLast: ({ event }) =>
      event?.$case === "update" && isFinal(event.value.order?.status ?? OrderStatus.ORDER_STATUS_UNSPECIFIED),
  };
  // Whoever has seen the last change already would wait for another for ever.
  if (request.resumeToken !== "" && isFinal(order.status) && !(await hasMore(stream))) return;
  yield* eventStream(stream);
}

const AND_VERSION = "/";

/** Tokens of a place that keep the version that was told there, and give it back to `told`. Those of before that had none are good too. */
function tokensWithVersion(tokens: PageTokens, told: { version: bigint }): PageTokens {
  return {
    seal: (use, place) => tokens.seal(use, `${place}${AND_VERSION}${told.version}`),
    open(use, token) {
      const [place = "", version = "0"] = tokens.open(use, token).split(AND_VERSION);
      told.version = BigInt(version);
      return place;
    },
  };
}

/** Whether there is anything of the stream after its resume token, up to now, that was not told. */
async function hasMore(stream: EventStreamOptions<Streamed>): Promise<boolean> {
  const { log, call, keys = [], resumeToken } = stream;
  const after = placeTokens(stream).open(resumeToken);
  if (typeof after !== "bigint") return true;
  const head = await log.head(call.signal);
  const subscription = log.subscribe({ keys, after, signal: call.signal });
  try {
    while (subscription.position < head) {
      const event = await subscription.next(LOOK_MS);
      if (event !== undefined && stream.update(event) !== undefined) return true;
    }
    return false;
  } finally {
    subscription.close();
  }
}

function watchOrders(
  context: OrderServiceContext,
  request: WatchOrdersRequest,
  call: Call,
): AsyncGenerator<WatchOrdersResponse> {
  const userId = request.userId.toLowerCase();
  const orderIds = request.orderIds.map((id) => id.toLowerCase()).sort();
  const statuses = request.statuses.toSorted((one, other) => one - other);
  const matches = ({ order }: OrderEvent): boolean =>
    order !== undefined &&
    (userId === "" || order.userId === userId) &&
    (statuses.length === 0 || statuses.includes(order.status));
  const keys = orderIds.length > 0 ? orderIds.map(orderKey) : userId === "" ? undefined : [userKey(userId)];
  return eventStream<Streamed>({
    ...common(context, request, call),
    ...watchOrdersTokens(userId, orderIds, statuses),
    start: "now",
    ...(keys === undefined ? {} : { keys }),
    update(event) {
      const change = eventOf(event);
      return matches(change) ? updateMessage(change) : undefined;
    },
    async *snapshot(signal) {
      for await (const order of ordersOf(context, userId, orderIds, statuses, signal))
        yield snapshotMessage(order);
    },
  });
}

async function* ordersOf(
  { database: { queries } }: OrderServiceContext,
  userId: string,
  orderIds: readonly string[],
  statuses: readonly OrderStatus[],
  signal: AbortSignal,
): AsyncGenerator<Order> {
  if (orderIds.length > 0) {
    for (const order of await findOrders(queries, orderIds, signal)) {
      const wanted = statuses.length === 0 || statuses.includes(order.status);
      if (wanted && (userId === "" || order.userId === userId)) yield order;
    }
    return;
  }
  const conditions: OrderConditions = {
    userId,
    statuses,
    placedAfter: undefined,
    placedBefore: undefined,
    reference: "",
    bulkJobId: "",
    productId: "",
  };
  let page: Order[];
  let after: OrderPlace | undefined;
  do {
    page = await readPage(queries, { conditions, after, limit: SNAPSHOT_PAGE }, signal);
    yield* page;
    const last = page.at(-1);
    after = last && { placedTime: last.placedTime, orderId: last.orderId, bulkPosition: 0n };
  } while (page.length === SNAPSHOT_PAGE);
}

function common(
  { events, tokens }: OrderServiceContext,
  { resumeToken, heartbeatInterval }: TrackOrderRequest | WatchOrdersRequest,
  call: Call,
) {
  return {
    log: events,
    tokens,
    call,
    resumeToken,
    heartbeatMs: millisecondsOf(heartbeatInterval),
    heartbeat: (serverTime: Date): Streamed => ({
      event: { $case: "heartbeat", value: { serverTime } },
      resumeToken: "",
    }),
  };
}

/** The log knows better when it was. */
function eventOf({ payload, time }: Event): OrderEvent {
  return { ...OrderEvent.decode(payload), eventTime: new Date(time) };
}

function snapshotMessage(order: Order): Streamed {
  const previousStatus = OrderStatus.ORDER_STATUS_UNSPECIFIED;
  return updateMessage({
    previousStatus,
    order: orderMessage(order),
    snapshot: true,
    eventTime: order.updateTime,
  });
}

function updateMessage(value: OrderEvent): Streamed {
  return { event: { $case: "update", value }, resumeToken: "" };
}
