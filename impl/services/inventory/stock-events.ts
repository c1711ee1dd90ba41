// What the log holds of a change of stock: the event without its time, which is that of the log.
import type { Event, NewEvent } from "#impl/storage/events/event.ts";
import { StockEvent, StockEventKind } from "#proto/ecommerce/v1/inventory.ts";
import type { StockChange } from "./command.ts";
import { stockMessage } from "./inventory-messages.ts";
import { isLow, type Stock } from "./stock.ts";

const TYPE = "stock.changed";

/** By which subscribers choose. The product's id is in lower case. */
export function productKey(productId: string): string {
  return `product/${productId}`;
}

/** The event of the change, and a second one when the product is low by it. */
export function eventsOf(change: StockChange, before: Stock | undefined): readonly NewEvent[] {
  const { kind, after, quantity, reservation } = change;
  const stock = stockMessage(after);
  const event = eventOf({
    kind,
    stock,
    quantity,
    reservationId: reservation?.reservationId ?? "",
    orderId: reservation?.orderId ?? "",
    eventTime: undefined,
  });
  if (!isLow(after) || (before !== undefined && isLow(before))) return [event];
  const low = { kind: StockEventKind.STOCK_EVENT_KIND_LOW, stock, quantity: 0n };
  return [event, eventOf(StockEvent.fromPartial(low))];
}

export function stockEventOf({ payload, time }: Event): StockEvent {
  return { ...StockEvent.decode(payload), eventTime: new Date(time) };
}

function eventOf(event: StockEvent): NewEvent {
  const { productId = "" } = event.stock ?? {};
  return { type: TYPE, keys: [productKey(productId)], payload: StockEvent.encode(event).finish() };
}
