// Gives back what the trace's cancellations ask for: one refund for each cancellation row and order it is matched to.

import { v5 as uuidV5 } from "uuid";
import { moneyOf } from "#harness/shop/pence.ts";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { Trace } from "./trace.ts";

const REQUEST_IDS = "0b7e6a52-6b1f-4a1e-9f6d-2a0d8d1b9e33";

export interface RefundedOrders {
  /** Cancellation rows of which every part was refunded. */
  readonly matched: number;
  /** "invoice: reason". */
  readonly refused: readonly string[];
}

/** In the order of the trace: a later refund counts on the earlier ones. */
export async function refundOrders(
  callers: ShopCallers,
  trace: Trace,
  ordersByInvoice: ReadonlyMap<string, Order>,
): Promise<RefundedOrders> {
  let matched = 0;
  const refused: string[] = [];
  for (const [index, { invoice, parts }] of trace.refunds.entries()) {
    try {
      for (const { order, lineNumber, quantity, amountMinor } of parts) {
        const placed = ordersByInvoice.get(trace.orders[order]?.invoice ?? "");
        if (placed === undefined) throw new Error("the order it belongs to was not taken");
        await callers.orders.refundOrder({
          orderId: placed.orderId,
          lines: [
            {
              lineNumber,
              quantity: BigInt(quantity),
              amount: undefined,
              expectedAmount: moneyOf(amountMinor),
              restock: true,
            },
          ],
          reason: `cancellation ${invoice}`,
          etag: "",
          requestId: uuidV5(`refund ${index} ${order} ${lineNumber}`, REQUEST_IDS),
        });
        await settled(callers, placed.orderId);
      }
      matched += 1;
    } catch (error) {
      refused.push(`${invoice}: ${error}`);
    }
  }
  return { matched, refused };
}

/** While the provider has not answered, an order takes no other refund. */
async function settled({ orders }: ShopCallers, orderId: string): Promise<void> {
  for await (const { event } of orders.trackOrder({
    orderId,
    resumeToken: "",
    heartbeatInterval: undefined,
  })) {
    if (event?.$case !== "update") continue;
    if (event.value.order?.status !== OrderStatus.ORDER_STATUS_REFUNDING) return;
  }
}
