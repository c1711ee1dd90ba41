// The books of a shop that is at rest, as its services and its payment provider keep them.

import type { Books, OrderBook, ProviderBook } from "#harness/check/books.ts";
import { penceOf } from "#harness/shop/pence.ts";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import { allOrders, allPayments, allStock } from "#harness/shop/shop-lists.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { PaymentState } from "#proto/ecommerce/v1/payment.ts";

export async function readBooks(
  callers: ShopCallers,
  productIds: readonly string[],
  provider: readonly ProviderBook[],
): Promise<Books> {
  const [orders, payments, stock] = await Promise.all([
    allOrders(callers),
    allPayments(callers),
    allStock(callers, productIds),
  ]);
  return {
    orders: orders.map(orderBook),
    payments: payments.map((payment) => ({
      paymentId: payment.paymentId,
      orderId: payment.orderId,
      state: nameOf(PaymentState, payment.state),
      captured: penceOf(payment.capturedAmount),
      refunded: penceOf(payment.refundedAmount),
      pending: payment.pendingTransaction,
    })),
    stock,
    provider,
  };
}

function orderBook({ orderId, requestId, etag, status, lines, totals }: Order): OrderBook {
  const units = new Map<string, bigint>();
  const restocked = new Map<string, bigint>();
  for (const { productId, quantity, refundedQuantity } of lines) {
    units.set(productId, (units.get(productId) ?? 0n) + quantity);
    // Every refund of the load puts its units back.
    restocked.set(productId, (restocked.get(productId) ?? 0n) + refundedQuantity);
  }
  return {
    orderId,
    requestId,
    etag,
    status: orderStatusName(status),
    units,
    restocked,
    total: penceOf(totals?.total),
    captured: penceOf(totals?.captured),
    refunded: penceOf(totals?.refunded),
  };
}

/** Such as PROCESSING. */
export function orderStatusName(status: OrderStatus): string {
  return nameOf(OrderStatus, status).replace("ORDER_STATUS_", "");
}

function nameOf(names: Readonly<Record<string, number | string>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? String(value);
}
