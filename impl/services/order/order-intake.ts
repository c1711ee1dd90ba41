// Turns orders as they are asked for into orders that can be stored: names, SKUs and prices from the catalogue, charges and sums.
// Rules of single fields were checked before; what breaks a rule here is a rejection, a value, so that one bad order of many is
// reported and not fatal. Nothing is written.
import type { CallOptions } from "#impl/client/client.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { unstorable } from "../shared/storable-text.ts";
import { type CatalogueEntry, lookUpProducts, type ProductClient } from "./catalogue-lookup.ts";
import { type Order, OrderStatus } from "./order.ts";
import { billOf } from "./order-bill.ts";
import { readLines } from "./order-lines.ts";
import { missingPermission, type OrderRejection, rejection } from "./order-rejection.ts";
import type { Pricing } from "./pricing.ts";

/** Prices, charges and times of purchase of the caller's own need it. */
export const OVERRIDE_PRICE = "orders.override_price";

export interface IntakeContext {
  readonly products: ProductClient;
  readonly pricing: Pricing;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Whether the caller holds `OVERRIDE_PRICE`, or nobody is checked. */
  readonly mayOverride: boolean;
  /** Of the calls to the catalogue: `{ parent: call }`. */
  readonly call: CallOptions;
}

/** An order in PENDING that nobody has stored yet, its id and times given. */
export interface PreparedOrder {
  readonly order: Order;
}

export function isRejection(intake: PreparedOrder | OrderRejection): intake is OrderRejection {
  return "violations" in intake;
}

/** One result for each order, in their order. UNAVAILABLE when the catalogue does not answer. */
export async function prepareOrders(
  orders: readonly NewOrder[],
  context: IntakeContext,
): Promise<readonly (PreparedOrder | OrderRejection)[]> {
  const ids = orders.flatMap(({ lines }) => lines.map(({ productId }) => productId.toLowerCase()));
  const catalogue = await lookUpProducts(context.products, ids, context.call);
  return orders.map((order) => prepare(order, catalogue, context));
}

function prepare(
  asked: NewOrder,
  catalogue: ReadonlyMap<string, CatalogueEntry>,
  context: IntakeContext,
): PreparedOrder | OrderRejection {
  const overridden = context.mayOverride ? undefined : fieldOfOverride(asked);
  if (overridden !== undefined) return missingPermission(OVERRIDE_PRICE, overridden);
  const violations = [...violationsOfTheRest(asked)];
  const read = readLines(asked.lines, catalogue);
  if ("violations" in read) return rejection([...violations, ...read.violations]);
  const bill = billOf(read.lines, read.currency, asked, context.pricing);
  if ("violations" in bill) return rejection([...violations, ...bill.violations]);
  if (violations.length > 0) return rejection(violations);
  const now = new Date(context.clock.now());
  const order: Order = {
    orderId: context.newId(),
    userId: asked.userId === "" ? undefined : asked.userId.toLowerCase(),
    guest: asked.guest,
    reference: asked.reference,
    currency: read.currency,
    status: OrderStatus.ORDER_STATUS_PENDING,
    failure: undefined,
    ...bill,
    capturedMinor: 0n,
    refundedMinor: 0n,
    shippingAddress: asked.shippingAddress,
    billingAddress: asked.billingAddress,
    paymentToken: asked.paymentMethodToken,
    paymentId: undefined,
    reservationId: undefined,
    shipments: [],
    statusBeforeRefund: undefined,
    requestId: undefined,
    bulk: undefined,
    version: 1n,
    placedTime: asked.placedTime ?? now,
    createTime: now,
    updateTime: now,
  };
  return { order };
}

/** The first field that only a caller with OVERRIDE_PRICE may set. */
function fieldOfOverride({ lines, placedTime, charges }: NewOrder): string | undefined {
  const index = lines.findIndex(({ unitPrice }) => unitPrice !== undefined);
  if (index >= 0) return `order.lines[${index}].unit_price`;
  if (placedTime !== undefined) return "order.placed_time";
  return charges === undefined ? undefined : "order.charges";
}

function* violationsOfTheRest(asked: NewOrder): Generator<FieldViolation> {
  const { reference, guest, shippingAddress, billingAddress, charges, placedTime, paymentMethodToken } =
    asked;
  yield* unstorable(
    { reference, guest, shippingAddress, billingAddress, charges, paymentMethodToken },
    "order",
  );
  if (shippingAddress === undefined && charges === undefined) {
    const description = "is required, but for an order whose charges are given";
    yield { field: "order.shipping_address", description, reason: "order.shipping_address_required" };
  }
  // The range of a Timestamp on the wire is wider than that of a Date.
  if (placedTime !== undefined && Number.isNaN(placedTime.getTime())) {
    const description = "must be a time of the years 1 to 9999";
    yield { field: "order.placed_time", description, reason: "timestamp" };
  }
}
