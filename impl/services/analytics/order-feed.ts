import type { ClientOf } from "#impl/client/client.ts";
import {
  ListOrdersRequest,
  type OrderServiceDefinition,
  WatchOrdersRequest,
  type WatchOrdersResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import { FEED_HEARTBEAT, type Feed, type FeedMessage } from "./feed.ts";
import { occurrencesOfChange, occurrencesOfOrder } from "./order-occurrences.ts";

/** An order has up to 1000 lines: many more of them would not fit a message. */
const PAGE = 20;

export type Orders = Pick<ClientOf<OrderServiceDefinition>, "watchOrders" | "listOrders">;

export function orderFeed(orders: Orders): Feed {
  return {
    source: "orders",
    async *watch(resumeToken, signal) {
      const request = WatchOrdersRequest.fromPartial({ heartbeatInterval: FEED_HEARTBEAT, resumeToken });
      for await (const message of orders.watchOrders(request, { signal })) yield read(message);
    },
    async *list(signal) {
      for (let pageToken = ""; ; ) {
        const request = ListOrdersRequest.fromPartial({ pageSize: PAGE, pageToken });
        const page = await orders.listOrders(request, { signal });
        yield page.orders.flatMap(occurrencesOfOrder);
        pageToken = page.nextPageToken;
        if (pageToken === "") return;
      }
    },
  };
}

function read({ event, resumeToken }: WatchOrdersResponse): FeedMessage {
  if (event?.$case !== "update") {
    return { occurrences: [], through: event?.value.serverTime?.getTime(), resumeToken };
  }
  const { order, previousStatus, snapshot, eventTime } = event.value;
  if (order === undefined) return { occurrences: [], through: undefined, resumeToken };
  if (snapshot) return { occurrences: occurrencesOfOrder(order), through: undefined, resumeToken };
  return {
    occurrences: occurrencesOfChange(order, previousStatus),
    through: eventTime?.getTime(),
    resumeToken,
  };
}
