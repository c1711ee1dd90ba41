// Places the orders of a trace: short ones one by one as a customer would, long ones in bulk jobs. At full speed, or as far apart as
// they were in the trace divided by the speed.

import { v5 as uuidV5 } from "uuid";
import { moneyOf } from "#harness/shop/pence.ts";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import { emailOf } from "#harness/sut/catalogue.ts";
import type { SeededShop } from "#harness/sut/seed-shop.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { BulkAtomicity, type ProcessBulkOrdersRequest } from "#proto/ecommerce/v1/order_bulk.ts";
import { type Schedule, scheduleOf } from "./schedule.ts";
import type { Trace, TraceOrder } from "./trace.ts";

/** Request ids of a replay are derived from the trace: sending it again orders nothing twice. */
const REQUEST_IDS = "5f0c4f0e-57d0-4f0b-9c2a-0d9a3b0a7a11";
/** Orders of more lines go by the bulk job. */
const LONGEST_SINGLE_ORDER = 20;
/** CreateOrder calls in flight. */
const CONCURRENCY = 16;
/** A call for a bulk job may take half an hour: at a given speed a job is of the orders of half that time. */
const LONGEST_JOB_MS = 900_000;
const CALL_TIMEOUT_MS = 1_800_000;
/** A card that the provider always accepts. */
const CARD = {
  cardNumber: "4242424242424242",
  expiryMonth: 12,
  expiryYear: 2099,
  cvc: "123",
  holderName: "A Customer",
};

export interface PlaceOrdersOptions {
  readonly callers: ShopCallers;
  readonly trace: Trace;
  readonly seeded: SeededShop;
  /** How many times faster than the trace; undefined is as fast as it goes. */
  readonly speed: number | undefined;
  readonly onPlaced: (count: number) => void;
  readonly signal: AbortSignal;
}

export interface PlacedOrders {
  readonly byCreateOrder: OrdersPlaced;
  readonly byBulk: OrdersPlaced;
  /** "invoice: reason" of every order that was refused. */
  readonly refused: readonly string[];
  /** How much later than planned each order was begun; none at full speed. */
  readonly latenessMs: readonly number[];
}

export interface OrdersPlaced {
  readonly orders: number;
  readonly lines: number;
  readonly seconds: number;
}

/** One after the other, so that each way has a time of its own; at a given speed both at the same time. */
export async function placeOrders(options: PlaceOrdersOptions): Promise<PlacedOrders> {
  const { orders } = options.trace;
  const [short, long] = [
    orders.filter(({ lines }) => lines.length <= LONGEST_SINGLE_ORDER),
    orders.filter(({ lines }) => lines.length > LONGEST_SINGLE_ORDER),
  ];
  const refused: string[] = [];
  const schedule = scheduleOf(options);
  const single = () => timed(short, () => placeOneByOne(short, schedule, options, refused));
  const bulk = () => timed(long, () => placeInBulk(long, schedule, options, refused));
  const [byCreateOrder, byBulk] =
    options.speed === undefined ? [await single(), await bulk()] : await Promise.all([single(), bulk()]);
  return { byCreateOrder, byBulk, refused, latenessMs: schedule.latenessMs };
}

async function timed(orders: readonly TraceOrder[], place: () => Promise<void>): Promise<OrdersPlaced> {
  const began = performance.now();
  await place();
  const lines = orders.reduce((sum, order) => sum + order.lines.length, 0);
  return { orders: orders.length, lines, seconds: (performance.now() - began) / 1000 };
}

async function placeOneByOne(
  orders: readonly TraceOrder[],
  schedule: Schedule,
  options: PlaceOrdersOptions,
  refused: string[],
): Promise<void> {
  const { callers, onPlaced } = options;
  const waiting = orders.values();
  const work = async (): Promise<void> => {
    for (const order of waiting) {
      await schedule.due(order);
      const newOrder = await newOrderOf(order, options);
      const requestId = uuidV5(`order ${order.invoice}`, REQUEST_IDS);
      await callers.orders
        .createOrder({ order: newOrder, requestId, wait: undefined })
        .catch((error: unknown) => refused.push(`${order.invoice}: ${error}`));
      onPlaced(1);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

async function placeInBulk(
  orders: readonly TraceOrder[],
  schedule: Schedule,
  options: PlaceOrdersOptions,
  refused: string[],
): Promise<void> {
  const jobs = Map.groupBy(orders, (order) => Math.floor(schedule.dueMs(order) / LONGEST_JOB_MS));
  for (const [index, job] of jobs) {
    const requestId = uuidV5(`bulk job ${index}`, REQUEST_IDS);
    const [first] = job;
    if (first !== undefined) await schedule.until(first);
    const parts = partsOf(job, requestId, schedule, options);
    const { rejections } = await options.callers.orders.processBulkOrders(parts, {
      timeoutMs: CALL_TIMEOUT_MS,
    });
    refused.push(...rejections.map(({ reference, reason, message }) => `${reference}: ${reason} ${message}`));
  }
}

async function* partsOf(
  orders: readonly TraceOrder[],
  requestId: string,
  schedule: Schedule,
  options: PlaceOrdersOptions,
): AsyncGenerator<ProcessBulkOrdersRequest> {
  const atomicity = BulkAtomicity.BULK_ATOMICITY_PER_ORDER;
  yield { part: { $case: "header", value: { requestId, atomicity, batchSize: 0 } } };
  for (const [position, order] of orders.entries()) {
    await schedule.due(order);
    const value = { position: BigInt(position), order: await newOrderOf(order, options) };
    yield { part: { $case: "order", value } };
    options.onPlaced(1);
  }
}

async function newOrderOf(order: TraceOrder, { callers, seeded }: PlaceOrdersOptions): Promise<NewOrder> {
  const { customerId, invoice, placedTime, lines } = order;
  const { paymentMethodToken } = await callers.payments.createPaymentMethod({ card: CARD, requestId: "" });
  const userId = customerId === undefined ? undefined : seeded.userIds.get(emailOf(customerId));
  return NewOrder.create({
    // A customer that the shop refused buys as a guest.
    ...(userId === undefined ? { guest: { email: "", fullName: "" } } : { userId }),
    lines: lines.map(({ sku, quantity, unitPriceMinor }) => ({
      productId: seeded.productIds.get(sku) ?? "",
      quantity: BigInt(quantity),
      unitPrice: moneyOf(unitPriceMinor),
    })),
    paymentMethodToken,
    reference: invoice,
    placedTime,
    // The trace's prices are what was paid: nothing comes on top.
    charges: { items: [] },
  });
}
