// WatchProducts: subscriptions to the changes of products over one stream.
import type { Call } from "#impl/runtime/call.ts";
import type {
  ProductUpdate,
  SubscribeProducts,
  WatchProductsRequest,
  WatchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { eventMessages } from "../shared/event-messages.ts";
import { type SubscriptionContext, subscriptionStream } from "../shared/subscription-stream.ts";
import { readChange } from "./product-events.ts";
import { canonical, eventKeys, productConditions, updateFor } from "./product-filter.ts";
import { productSnapshot } from "./product-snapshot.ts";
import type { FollowingNeeds } from "./product-updates.ts";

type WatchEvent = NonNullable<WatchProductsResponse["event"]>;

interface WatchMessage {
  event: WatchEvent;
  resumeToken: string;
}

export function watchProducts(
  requests: AsyncIterable<WatchProductsRequest>,
  needs: FollowingNeeds,
  call: Call,
): AsyncIterable<WatchProductsResponse> {
  return subscriptionStream<SubscribeProducts, WatchEvent>(requests, {
    call,
    type: "ecommerce.v1.SubscribeProducts",
    follow: (request, context) => changes(request, needs, call, context),
  });
}

function changes(
  { resumeToken, filter }: SubscribeProducts,
  { store, events, tokens }: FollowingNeeds,
  call: Call,
  { signal, onSlow }: SubscriptionContext,
): AsyncIterable<WatchMessage> {
  const conditions = productConditions(filter, "subscribe.filter");
  const keys = eventKeys(conditions);
  return eventMessages<WatchMessage>(
    {
      log: events,
      tokens,
      purpose: "products.watch.1",
      boundTo: canonical(conditions),
      resumeToken,
      start: "now",
      ...(keys === undefined ? {} : { keys }),
      opening: () => ({ event: { $case: "subscribed", value: {} }, resumeToken: "" }),
      update(event) {
        const update = updateFor(conditions, readChange(event));
        return update === undefined ? undefined : updated(update);
      },
      async *snapshot() {
        for await (const update of productSnapshot(store, conditions, signal)) yield updated(update);
      },
    },
    { clock: call.environment.clock, signal, onSlow },
  );
}

function updated(value: ProductUpdate): WatchMessage {
  return { event: { $case: "update", value }, resumeToken: "" };
}
