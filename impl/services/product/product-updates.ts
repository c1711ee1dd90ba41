// StreamProductUpdates: the changes of the products that a filter matches.
import type { Call } from "#impl/runtime/call.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type {
  ProductUpdate,
  StreamProductUpdatesRequest,
  StreamProductUpdatesResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { eventStream } from "../shared/event-stream.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { readChange } from "./product-events.ts";
import { canonical, eventKeys, productConditions, updateFor } from "./product-filter.ts";
import { productSnapshot } from "./product-snapshot.ts";
import type { ProductStore } from "./product-store.ts";

export interface FollowingNeeds {
  readonly store: ProductStore;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

export function streamProductUpdates(
  request: StreamProductUpdatesRequest,
  { store, events, tokens }: FollowingNeeds,
  call: Call,
): AsyncIterable<StreamProductUpdatesResponse> {
  const conditions = productConditions(request.filter, "filter");
  const keys = eventKeys(conditions);
  return eventStream<StreamProductUpdatesResponse>({
    log: events,
    tokens,
    call,
    purpose: "products.updates.1",
    boundTo: canonical(conditions),
    resumeToken: request.resumeToken,
    start: "now",
    ...(keys === undefined ? {} : { keys }),
    heartbeatMs: millisecondsOf(request.heartbeatInterval),
    maxPerSecond: request.maxUpdatesPerSecond,
    update(event) {
      const update = updateFor(conditions, readChange(event));
      return update === undefined ? undefined : updated(update);
    },
    heartbeat: (serverTime) => ({ event: { $case: "heartbeat", value: { serverTime } }, resumeToken: "" }),
    async *snapshot(signal) {
      for await (const update of productSnapshot(store, conditions, signal)) yield updated(update);
    },
  });
}

function updated(value: ProductUpdate): StreamProductUpdatesResponse {
  return { event: { $case: "update", value }, resumeToken: "" };
}
