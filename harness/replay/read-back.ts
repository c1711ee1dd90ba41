// What the services say about a replay: its orders, its money and its stock, read by their lists.

import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { ListPaymentsRequest } from "#proto/ecommerce/v1/payment.ts";
import { penceOf } from "./pence.ts";
import type { ShopCallers } from "./shop-callers.ts";

const PAGE_SIZE = 100;
const PRODUCTS_A_BATCH = 200;

/** Of the orders that went through. */
export interface OrderFigures {
  readonly orders: number;
  readonly lines: number;
  readonly units: number;
  readonly revenueMinor: bigint;
  readonly refundedMinor: bigint;
}

export async function listOrders(
  { orders }: ShopCallers,
  statuses: readonly OrderStatus[] = [],
): Promise<Order[]> {
  const found: Order[] = [];
  let pageToken = "";
  do {
    const request = ListOrdersRequest.create({ statuses: [...statuses], pageSize: PAGE_SIZE, pageToken });
    const page = await orders.listOrders(request);
    found.push(...page.orders);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found;
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
  const [money, stock] = await Promise.all([moneyTaken(callers), stockOf(callers, productIds)]);
  const pairs: (readonly [string, bigint, bigint])[] = [
    ["captured by payments, revenue of orders", money.captured, revenueMinor],
    ["refunded by payments, refunded by orders", money.refunded, refundedMinor],
    ["received by inventory, units of orders", stock.received, BigInt(units)],
    ["available + reserved + sold, received", stock.accounted, stock.received],
    ["reserved, 0", stock.reserved, 0n],
  ];
  return pairs
    .filter(([, one, other]) => one !== other)
    .map(([what, one, other]) => `${what}: ${one}, ${other}`);
}

async function moneyTaken({ payments }: ShopCallers): Promise<{ captured: bigint; refunded: bigint }> {
  let [captured, refunded] = [0n, 0n];
  let pageToken = "";
  do {
    const page = await payments.listPayments(ListPaymentsRequest.create({ pageSize: PAGE_SIZE, pageToken }));
    for (const payment of page.payments) {
      captured += penceOf(payment.capturedAmount);
      refunded += penceOf(payment.refundedAmount);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { captured, refunded };
}

async function stockOf({ inventory }: ShopCallers, productIds: readonly string[]) {
  const sum = { received: 0n, accounted: 0n, reserved: 0n };
  for (let from = 0; from < productIds.length; from += PRODUCTS_A_BATCH) {
    const { results } = await inventory.batchGetStock({
      productIds: productIds.slice(from, from + PRODUCTS_A_BATCH),
    });
    for (const { result } of results) {
      if (result?.$case !== "stock") continue;
      const { received, available, reserved, sold } = result.value;
      sum.received += received;
      sum.accounted += available + reserved + sold;
      sum.reserved += reserved;
    }
  }
  return sum;
}
