// Waits until every order has been processed: paid, or in an error state.

import { setTimeout as sleep } from "node:timers/promises";
import { OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { ShopCallers } from "./shop-callers.ts";
import { allOrders } from "./shop-lists.ts";

/** The states of an order that is being processed. */
export const UNDER_WAY: readonly OrderStatus[] = [
  OrderStatus.ORDER_STATUS_PENDING,
  OrderStatus.ORDER_STATUS_RESERVING,
  OrderStatus.ORDER_STATUS_AUTHORIZING,
  OrderStatus.ORDER_STATUS_CONFIRMED,
  OrderStatus.ORDER_STATUS_CAPTURING,
  OrderStatus.ORDER_STATUS_CANCELLING,
];
const POLL_MS = 250;

/** Rejects when no order has come further for `stuckAfterMs`. */
export async function awaitProcessing(
  callers: ShopCallers,
  onLeft: (count: number) => void,
  signal: AbortSignal,
  stuckAfterMs = 60_000,
): Promise<void> {
  let left = Number.POSITIVE_INFINITY;
  let moved = performance.now();
  for (;;) {
    const { length } = await allOrders(callers, UNDER_WAY);
    if (length === 0) return;
    if (length !== left) moved = performance.now();
    if (performance.now() - moved > stuckAfterMs) {
      throw new Error(
        `${length} orders have been processing for ${stuckAfterMs / 1000} s without coming to an end`,
      );
    }
    left = length;
    onLeft(left);
    await sleep(POLL_MS, undefined, { signal });
  }
}
