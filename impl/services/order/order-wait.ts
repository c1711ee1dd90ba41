// Waits for an order to change, by the log of its events and without asking again and again.
import type { Clock } from "#impl/runtime/clock.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { Order as OrderMessage } from "#proto/ecommerce/v1/order.ts";
import { OrderEvent } from "#proto/ecommerce/v1/order_service.ts";
import { orderKey } from "./order-event.ts";

export interface OrderWait {
  readonly orderId: string;
  /** A position of the log from before the order was read. */
  readonly after: bigint;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface OrderWatch {
  readonly events: EventLog;
  readonly clock: Clock;
}

/** The order after the first change for which `isOver` holds; undefined when none came in time. */
export async function waitForOrder(
  { events, clock }: OrderWatch,
  { orderId, after, timeoutMs, signal }: OrderWait,
  isOver: (order: OrderMessage) => boolean | Promise<boolean>,
): Promise<OrderMessage | undefined> {
  const until = clock.monotonic() + timeoutMs;
  const subscription = events.subscribe({ keys: [orderKey(orderId)], after, signal });
  try {
    for (;;) {
      const leftMs = until - clock.monotonic();
      const event = leftMs > 0 ? await subscription.next(leftMs) : undefined;
      if (event === undefined) return undefined;
      const { order } = OrderEvent.decode(event.payload);
      if (order !== undefined && (await isOver(order))) return order;
    }
  } finally {
    subscription.close();
  }
}
