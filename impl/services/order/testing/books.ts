// The books of a shop: what must add up between orders, stock and money when nothing is under way any more.
import { sql } from "kysely";
import { expect } from "vitest";
import type { Database } from "#impl/storage/database.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { type Payment, PaymentState, TransactionKind } from "#proto/ecommerce/v1/payment.ts";
import { minor } from "./order-draft.ts";
import type { Shop } from "./shop.ts";

const UNPAID: ReadonlySet<OrderStatus> = new Set<OrderStatus>([
  OrderStatus.ORDER_STATUS_CANCELLED,
  OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
  OrderStatus.ORDER_STATUS_OUT_OF_STOCK,
  OrderStatus.ORDER_STATUS_FAILED,
]);

const HELD: ReadonlySet<PaymentState> = new Set<PaymentState>([
  PaymentState.PAYMENT_STATE_PENDING,
  PaymentState.PAYMENT_STATE_AUTHORIZED,
  PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED,
]);

/** What must hold of an order whose sagas have ended. `backInStock` are the units of its products that came back. */
export async function booksOf(shop: Shop, order: Order, backInStock = 0n): Promise<void> {
  const payments = await shop.paymentsOf(order.orderId);
  expect(payments.length, "payments").toBeLessThanOrEqual(1);
  expect(
    payments.filter(({ state }) => HELD.has(state)),
    "payments that hold money",
  ).toEqual([]);
  const captured = sum(payments, ({ capturedAmount }) => capturedAmount);
  const refunded = sum(payments, ({ refundedAmount }) => refundedAmount);
  expect([captured, refunded], "captured and refunded").toEqual([
    minor(order.totals?.captured),
    minor(order.totals?.refunded),
  ]);
  const ofLines = order.lines.reduce((total, { refundedAmount }) => total + minor(refundedAmount), 0n);
  expect(ofLines, "refunded by lines").toBe(refunded);
  const unpaid = UNPAID.has(order.status);
  expect(captured - refunded, "kept of an order that was not carried out").toBe(
    unpaid ? 0n : captured - refunded,
  );
  const units = order.lines.reduce((total, { quantity }) => total + quantity, 0n);
  const productIds = [...new Set(order.lines.map(({ productId }) => productId))];
  const stocks = await Promise.all(productIds.map((id) => shop.stock(id)));
  for (const { available, reserved, sold, received } of stocks)
    expect(available + reserved + sold).toBe(received);
  expect(
    stocks.reduce((total, { reserved }) => total + reserved, 0n),
    "reserved",
  ).toBe(0n);
  const sold = stocks.reduce((total, stock) => total + stock.sold, 0n);
  expect(sold, "sold").toBe(unpaid ? 0n : units - backInStock);
}

/** How often the provider was asked to authorize. */
export function authorizations(payments: readonly Payment[]): number {
  return payments.flatMap(({ transactions }) =>
    transactions.filter(({ kind }) => kind === TransactionKind.TRANSACTION_KIND_AUTHORIZE),
  ).length;
}

export async function sagasLeft({ queries }: Database<unknown>): Promise<unknown[]> {
  return (await sql`select saga_id, step, undoing from orders.sagas`.execute(queries)).rows;
}

function sum(payments: readonly Payment[], amount: (payment: Payment) => Payment["amount"]): bigint {
  return payments.reduce((total, payment) => total + minor(amount(payment)), 0n);
}
