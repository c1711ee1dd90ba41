// What the services say about a replay: its orders, its money and its stock.

import { penceOf } from "#harness/shop/pence.ts";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import { allPayments, allStock } from "#harness/shop/shop-lists.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";

/** Of the orders that went through. */
export interface OrderFigures {
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly revenueMinor: bigint;
  readonly refundedMinor: bigint;
}

/** Paid for, whatever came after. */
const WENT_THROUGH: ReadonlySet<OrderStatus> = new Set([
  OrderStatus.ORDER_STATUS_PROCESSING,
  OrderStatus.ORDER_STATUS_REFUNDED,
  OrderStatus.ORDER_STATUS_PARTIALLY_REFUNDED,
]);

export function figuresOf(all: readonly Order[]): OrderFigures {
  const orders = all.filter(({ status }) => WENT_THROUGH.has(status));
  const lines = orders.flatMap((order) => order.lines);
  return {
    orders: orders.length,
    lines: lines.length,
    units: lines.reduce((sum, { quantity }) => sum + Number(quantity), 0),
    revenueMinor: orders.reduce((sum, { totals }) => sum + penceOf(totals?.total), 0n),
    refundedMinor: orders.reduce((sum, { totals }) => sum + penceOf(totals?.refunded), 0n),
  };
}

/** Contradictions between the orders and what payments and inventory say of the same sales. */
export async function contradictions(
  callers: ShopCallers,
  { revenueMinor, refundedMinor, units }: OrderFigures,
  productIds: readonly string[],
): Promise<string[]> {
  const [payments, stock] = await Promise.all([allPayments(callers), allStock(callers, productIds)]);
  const received = sum(stock.map((product) => product.received));
  const pairs: (readonly [string, bigint, bigint])[] = [
    [
      "captured by payments, revenue of orders",
      sum(payments.map((each) => penceOf(each.capturedAmount))),
      revenueMinor,
    ],
    [
      "refunded by payments, refunded by orders",
      sum(payments.map((each) => penceOf(each.refundedAmount))),
      refundedMinor,
    ],
    ["received by inventory, units of orders", received, BigInt(units)],
    [
      "available + reserved + sold, received",
      sum(stock.map(({ available, reserved, sold }) => available + reserved + sold)),
      received,
    ],
    ["reserved, 0", sum(stock.map(({ reserved }) => reserved)), 0n],
  ];
  return pairs
    .filter(([, one, other]) => one !== other)
    .map(([what, one, other]) => `${what}: ${one}, ${other}`);
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
