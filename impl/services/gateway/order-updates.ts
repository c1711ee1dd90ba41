// StreamOrderUpdates, and the same as a topic of LiveUpdates: changes from the one stream of orders, each with the products it is about.
import type { ClientOf } from "#impl/client/client.ts";
import type { Call } from "#impl/runtime/call.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Event } from "#impl/storage/events/event.ts";
import type {
  OrderUpdate,
  StreamOrderUpdatesRequest,
  StreamOrderUpdatesResponse,
} from "#proto/ecommerce/v1/gateway.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import {
  ListOrdersRequest,
  type OrderEvent,
  type OrderServiceDefinition,
} from "#proto/ecommerce/v1/order_service.ts";
import {
  type EventMessagesContext,
  type EventMessagesOptions,
  eventMessages,
} from "../shared/event-messages.ts";
import { eventStream } from "../shared/event-stream.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { toCaller } from "./callee-status.ts";
import type { OrderFeed } from "./order-feed.ts";
import { changeOf, isCode, orderKey, userKey } from "./order-watch.ts";
import type { ProductCache } from "./product-cache.ts";
import { partsOf, productIdsOf } from "./product-parts.ts";

export interface OrderUpdateNeeds {
  readonly feed: OrderFeed["log"];
  readonly orders: Pick<ClientOf<OrderServiceDefinition>, "listOrders" | "getOrder">;
  readonly products: ProductCache;
  readonly tokens: PageTokens;
}

/** An order has up to 1000 lines: many more of them would not fit a message. */
const SNAPSHOT_PAGE = 20;
const NO_CODES: ReadonlySet<Code> = new Set();

export async function* streamOrderUpdates(
  needs: OrderUpdateNeeds,
  request: StreamOrderUpdatesRequest,
  call: Call,
): AsyncGenerator<StreamOrderUpdatesResponse> {
  const messages = eventStream<StreamOrderUpdatesResponse>({
    ...options(needs, request, { parent: call }),
    call,
    heartbeatMs: millisecondsOf(request.heartbeatInterval),
    heartbeat: (serverTime) => ({ event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" }),
  });
  for await (const message of messages) yield await withProducts(needs, message);
}

/** Without a heartbeat: the first message has no event, and the token where the stream begins. */
export async function* orderUpdateMessages(
  needs: OrderUpdateNeeds,
  request: StreamOrderUpdatesRequest,
  call: Call,
  context: Pick<EventMessagesContext<StreamOrderUpdatesResponse>, "clock" | "signal" | "onSlow">,
): AsyncGenerator<StreamOrderUpdatesResponse> {
  const opening = (): StreamOrderUpdatesResponse => ({ event: undefined, resumeToken: "" });
  const asked = { parent: call, signal: context.signal };
  for await (const message of eventMessages({ ...options(needs, request, asked), opening }, context)) {
    yield await withProducts(needs, message);
  }
}

type Asked = NonNullable<Parameters<OrderUpdateNeeds["orders"]["getOrder"]>[1]>;

function options(
  { feed, tokens, orders }: OrderUpdateNeeds,
  request: StreamOrderUpdatesRequest,
  asked: Asked,
): EventMessagesOptions<StreamOrderUpdatesResponse> {
  const userId = request.userId.toLowerCase();
  const orderIds = request.orderIds.map((id) => id.toLowerCase()).sort();
  const keys = orderIds.length > 0 ? orderIds.map(orderKey) : userId === "" ? undefined : [userKey(userId)];
  const ofUser = (order: Order | undefined): boolean => userId === "" || order?.userId === userId;
  return {
    log: feed,
    tokens,
    purpose: "gateway.orders.1",
    boundTo: JSON.stringify([userId, orderIds]),
    resumeToken: request.resumeToken,
    start: "now",
    ...(keys === undefined ? {} : { keys }),
    update(event: Event) {
      const change = changeOf(event);
      return ofUser(change.order) ? updated(change) : undefined;
    },
    async *snapshot() {
      for await (const order of present(orders, userId, orderIds, asked)) {
        if (!ofUser(order)) continue;
        const previousStatus = OrderStatus.ORDER_STATUS_UNSPECIFIED;
        yield updated({ order, previousStatus, snapshot: true, eventTime: order.updateTime });
      }
    },
  };
}

function updated(event: OrderEvent): StreamOrderUpdatesResponse {
  return { event: { $case: "update", value: { event, products: [], missing: [] } }, resumeToken: "" };
}

async function* present(
  orders: OrderUpdateNeeds["orders"],
  userId: string,
  orderIds: readonly string[],
  asked: Asked,
): AsyncGenerator<Order> {
  for (const orderId of orderIds) {
    const found = await orders.getOrder({ orderId }, asked).catch((error: unknown) => {
      if (isCode(error, Code.NOT_FOUND)) return undefined;
      throw toCaller(error, NO_CODES);
    });
    if (found?.order !== undefined) yield found.order;
  }
  if (orderIds.length > 0) return;
  for (let pageToken = ""; ; ) {
    const request = ListOrdersRequest.fromPartial({ userId, pageSize: SNAPSHOT_PAGE, pageToken });
    const page = await orders.listOrders(request, asked).catch((error: unknown) => {
      throw toCaller(error, NO_CODES);
    });
    yield* page.orders;
    pageToken = page.nextPageToken;
    if (pageToken === "") return;
  }
}

async function withProducts(
  { products }: OrderUpdateNeeds,
  message: StreamOrderUpdatesResponse,
): Promise<StreamOrderUpdatesResponse> {
  if (message.event?.$case !== "update") return message;
  const { event } = message.event.value;
  const value: OrderUpdate = { event, ...partsOf(await products.lookUp(productIdsOf(event?.order))) };
  return { ...message, event: { $case: "update", value } };
}
