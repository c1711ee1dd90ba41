// WatchStock: the log of stock as a stream of the products and kinds that its caller asks for.
import type { Call } from "#impl/runtime/call.ts";
import type { Event } from "#impl/storage/events/event.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  StockEvent,
  StockEventKind,
  type WatchStockRequest,
  type WatchStockResponse,
} from "#proto/ecommerce/v1/inventory.ts";
import { eventStream } from "../shared/event-stream.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { stockMessage } from "./inventory-messages.ts";
import type { InventoryStore } from "./inventory-store.ts";
import type { Stock } from "./stock.ts";
import { productKey, stockEventOf } from "./stock-events.ts";

export interface StockWatchOptions {
  readonly store: InventoryStore;
  readonly events: EventLog;
  readonly tokens: PageTokens;
}

const SNAPSHOT_PAGE = 500;

export function watchStock(
  { store, events, tokens }: StockWatchOptions,
  request: WatchStockRequest,
  call: Call,
): AsyncGenerator<WatchStockResponse> {
  const productIds = request.productIds.map((id) => id.toLowerCase()).sort();
  const kinds = request.kinds.toSorted((a, b) => a - b);
  const wanted = (kind: StockEventKind): boolean => kinds.length === 0 || kinds.includes(kind);
  return eventStream<WatchStockResponse>({
    log: events,
    tokens,
    call,
    purpose: "inventory.watch.1",
    boundTo: JSON.stringify([productIds, kinds]),
    resumeToken: request.resumeToken,
    start: "now",
    ...(productIds.length === 0 ? {} : { keys: productIds.map(productKey) }),
    heartbeatMs: millisecondsOf(request.heartbeatInterval),
    update(event: Event) {
      const update = stockEventOf(event);
      return wanted(update.kind) ? updateMessage(update) : undefined;
    },
    heartbeat: (serverTime) => ({
      event: { $case: "heartbeat", value: { serverTime } },
      resumeToken: "",
    }),
    async *snapshot(signal) {
      if (!wanted(StockEventKind.STOCK_EVENT_KIND_SNAPSHOT)) return;
      for await (const stock of stocksOf(store, productIds, signal)) yield snapshotMessage(stock);
    },
  });
}

/** Of these products, or of all when there are none. */
async function* stocksOf(
  store: InventoryStore,
  productIds: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Stock> {
  if (productIds.length > 0) {
    yield* await store.findAll(productIds, signal);
    return;
  }
  let page: readonly Stock[];
  let after: string | undefined;
  do {
    page = await store.page(after, SNAPSHOT_PAGE, signal);
    yield* page;
    after = page.at(-1)?.productId;
  } while (page.length === SNAPSHOT_PAGE);
}

function snapshotMessage(stock: Stock): WatchStockResponse {
  const event = {
    kind: StockEventKind.STOCK_EVENT_KIND_SNAPSHOT,
    stock: stockMessage(stock),
    eventTime: stock.updateTime,
  };
  return updateMessage(StockEvent.fromPartial(event));
}

function updateMessage(value: StockEvent): WatchStockResponse {
  return { event: { $case: "update", value }, resumeToken: "" };
}
