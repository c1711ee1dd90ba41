// What an event of an order is for the figures: that it was placed, or that it has failed.
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { Money } from "#proto/google/type/money.ts";
import { moneyFromProto } from "../shared/money.ts";
import { type Fact, fact, type Occurrence } from "./occurrence.ts";

const FAILED: ReadonlySet<OrderStatus> = new Set([
  OrderStatus.ORDER_STATUS_CANCELLED,
  OrderStatus.ORDER_STATUS_PAYMENT_FAILED,
  OrderStatus.ORDER_STATUS_OUT_OF_STOCK,
  OrderStatus.ORDER_STATUS_FAILED,
]);

/** What has happened to an order that is seen as it stands. */
export function occurrencesOfOrder(order: Order): Occurrence[] {
  return [placed(order), ...failed(order)];
}

/** What has happened to an order by the change that led to its present state. */
export function occurrencesOfChange(order: Order, previous: OrderStatus): Occurrence[] {
  return [...(previous === OrderStatus.ORDER_STATUS_UNSPECIFIED ? [placed(order)] : []), ...failed(order)];
}

/** An order is placed in PENDING, in whatever state it is seen. */
function placed(order: Order): Occurrence {
  const total = moneyOf(order.totals?.total);
  const whole = {
    currency: total.currency,
    country: order.shippingAddress?.countryCode ?? "",
    status: statusName(OrderStatus.ORDER_STATUS_PENDING),
  };
  const facts = [fact(Metric.METRIC_ORDERS, 1n, whole)];
  let rest = total.minorUnits;
  for (const [productId, { revenue, units }] of byProduct(order)) {
    rest -= revenue;
    facts.push(fact(Metric.METRIC_REVENUE, revenue, { ...whole, productId }));
    facts.push(fact(Metric.METRIC_UNITS, units, { ...whole, productId }));
  }
  // Tax, shipping and discounts belong to no product; with them the products add up to the totals.
  if (rest !== 0n) facts.push(fact(Metric.METRIC_REVENUE, rest, whole));
  return { id: `order/${order.orderId}/placed`, time: timeOf(order.placedTime), facts };
}

function failed(order: Order): Occurrence[] {
  if (!FAILED.has(order.status)) return [];
  const dimensions: Partial<Fact> = {
    currency: moneyOf(order.totals?.total).currency,
    country: order.shippingAddress?.countryCode ?? "",
    status: statusName(order.status),
  };
  const facts = [fact(Metric.METRIC_FAILED_ORDERS, 1n, dimensions)];
  return [{ id: `order/${order.orderId}/failed`, time: timeOf(order.updateTime), facts }];
}

function byProduct({ lines }: Order): Map<string, { revenue: bigint; units: bigint }> {
  const products = new Map<string, { revenue: bigint; units: bigint }>();
  for (const { productId, lineTotal, quantity } of lines) {
    const { revenue, units } = products.get(productId) ?? { revenue: 0n, units: 0n };
    products.set(productId, {
      revenue: revenue + moneyOf(lineTotal).minorUnits,
      units: units + quantity,
    });
  }
  return products;
}

function moneyOf(money: Money | undefined) {
  if (money === undefined) throw new Error("an order without its totals was sent");
  return moneyFromProto(money, "order");
}

function timeOf(time: Date | undefined): number {
  if (time === undefined) throw new Error("an order without its times was sent");
  return time.getTime();
}

const names = new Map(Object.entries(OrderStatus).map(([name, value]) => [value, name]));

function statusName(status: OrderStatus): string {
  return names.get(status) ?? String(status);
}
