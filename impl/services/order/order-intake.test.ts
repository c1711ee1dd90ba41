import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ChargeKind, NewOrder } from "#proto/ecommerce/v1/order.ts";
import { create, pounds, productFixture } from "../product/testing/product-fixture.ts";
import type { ProductClient } from "./catalogue-lookup.ts";
import type { Order } from "./order.ts";
import { isRejection, type PreparedOrder, prepareOrders } from "./order-intake.ts";
import { type OrderRejection, rejectionError } from "./order-rejection.ts";
import { createPricing } from "./pricing.ts";
import { ADDRESS, pence } from "./testing/order-draft.ts";

type Asked = Parameters<typeof NewOrder.fromPartial>[0];

const { client } = await productFixture();
const lamp = await create(client, { name: "Lamp", price: pounds(1_250n) });
const chair = await create(client, { name: "Chair", price: pounds(333n) });
const fruit = await create(client, { price: { currencyCode: "EUR", units: 3n, nanos: 0 } });
const gone = await create(client);
await client.deleteProduct({ productId: gone.productId, etag: "" });
const unknown = newId();

test("names, SKUs and prices are the catalogue's, and charges the shop's", async () => {
  const order = await accepted(ordered({ lines: [line(lamp.productId, 2n), line(chair.productId, 1n)] }));
  expect(order.lines).toMatchObject([
    { lineNumber: 1, sku: lamp.sku, name: "Lamp", unitPriceMinor: 1_250n, priceOverridden: false },
    { lineNumber: 2, sku: chair.sku, name: "Chair", unitPriceMinor: 333n },
  ]);
  expect(order.totals).toEqual({
    linesMinor: 2_833n,
    shippingMinor: 495n,
    taxMinor: 666n,
    discountMinor: 0n,
    totalMinor: 3_994n,
  });
});

test("the lines carry the charges between them, to the last penny", async () => {
  const { lines, totals } = await accepted(
    ordered({ lines: [line(lamp.productId, 7n), line(chair.productId, 3n)] }),
  );
  expect(lines.reduce((sum, { paidMinor }) => sum + paidMinor, 0n)).toBe(totals.totalMinor);
});

test("a product may stand on two lines at two prices, and may be named in capitals", async () => {
  const lines = [
    line(lamp.productId.toUpperCase(), 1n),
    { ...line(lamp.productId, 1n), unitPrice: pence(999n) },
  ];
  const order = await accepted(ordered({ lines }), true);
  expect(order.lines).toMatchObject([
    { productId: lamp.productId, unitPriceMinor: 1_250n, priceOverridden: false },
    { productId: lamp.productId, unitPriceMinor: 999n, priceOverridden: true },
  ]);
});

test("given charges are taken as they are, and then no address is needed", async () => {
  const items = [
    { kind: ChargeKind.CHARGE_KIND_SHIPPING, label: "Carriage", amount: pence(100n) },
    { kind: ChargeKind.CHARGE_KIND_DISCOUNT, label: "Voucher", amount: pence(350n) },
    { kind: ChargeKind.CHARGE_KIND_TAX, label: "VAT", amount: pence(200n) },
  ];
  const asked = ordered({
    lines: [line(lamp.productId, 1n)],
    charges: { items },
    shippingAddress: undefined,
  });
  const order = await accepted(asked, true);
  expect(order.totals).toMatchObject({ shippingMinor: 100n, discountMinor: 350n, totalMinor: 1_200n });
});

test("an order that is discounted away costs nothing", async () => {
  const items = [{ kind: ChargeKind.CHARGE_KIND_DISCOUNT, label: "Gift", amount: pence(1_250n) }];
  const order = await accepted(ordered({ lines: [line(lamp.productId, 1n)], charges: { items } }), true);
  expect([order.totals.totalMinor, order.lines[0]?.paidMinor]).toEqual([0n, 0n]);
});

test("products that are not in the catalogue are named line by line", async () => {
  const refused = await rejected(
    ordered({ lines: [line(lamp.productId, 1n), line(unknown, 1n), line(gone.productId, 1n)] }),
  );
  expect(refused.reason).toBe("PRODUCT_NOT_FOUND");
  expect(rules(refused)).toEqual([
    "order.lines[1].product_id: order.unknown_product",
    "order.lines[2].product_id: order.deleted_product",
  ]);
});

test.each<[string, Asked, string]>([
  [
    "a line of another currency",
    { lines: [line(lamp.productId, 1n), line(fruit.productId, 1n)] },
    "order.lines[1].product_id: order.currency",
  ],
  [
    "a price below a penny",
    { lines: [{ ...line(lamp.productId, 1n), unitPrice: { currencyCode: "GBP", units: 0n, nanos: 1 } }] },
    "order.lines[0].unit_price: money.precision",
  ],
  [
    "a charge of another currency",
    {
      charges: {
        items: [{ kind: ChargeKind.CHARGE_KIND_TAX, label: "x", amount: { currencyCode: "EUR", units: 1n } }],
      },
    },
    "order.charges.items[0].amount: order.currency",
  ],
  [
    "a discount of more than all",
    { charges: { items: [{ kind: ChargeKind.CHARGE_KIND_DISCOUNT, label: "x", amount: pence(1_251n) }] } },
    "order.charges: order.discount_too_large",
  ],
  ["no address", { shippingAddress: undefined }, "order.shipping_address: order.shipping_address_required"],
  ["a NUL character", { reference: "a\0b" }, "order.reference: text.nul"],
  [
    "a price that does not fit",
    {
      lines: [{ ...line(lamp.productId, 1_000_000n), unitPrice: { currencyCode: "GBP", units: 10n ** 16n } }],
    },
    "order.lines: money.range",
  ],
])("%s is a violation", async (_, changes, violation) => {
  expect(rules(await rejected(ordered(changes), true))).toEqual([violation]);
});

test.each<[string, Asked]>([
  ["order.lines[0].unit_price", { lines: [{ ...line(lamp.productId, 1n), unitPrice: pence(1n) }] }],
  ["order.placed_time", { placedTime: new Date(0) }],
  ["order.charges", { charges: { items: [] } }],
])("%s needs a permission", async (field, changes) => {
  const refused = await rejected(ordered(changes));
  expect(refused).toMatchObject({ reason: "PERMISSION_MISSING", violations: [{ field }] });
  expect(rejectionError(refused)).toMatchObject({ reason: "PERMISSION_MISSING" });
  expect(await accepted(ordered(changes), true)).toBeDefined();
});

test("one bad order of many is rejected alone, and each product is asked for once, so many a call", async () => {
  const asked: string[][] = [];
  const counting: ProductClient = {
    batchGetProducts(request, options) {
      asked.push([...request.productIds]);
      return client.batchGetProducts(request, options);
    },
  };
  const others = Array.from({ length: 250 }, () => line(newId(), 1n));
  const batch = [ordered({}), ordered({ lines: others }), ordered({})];
  const results = await prepareOrders(batch, { ...CONTEXT, products: counting, mayOverride: false });
  expect(results.map(isRejection)).toEqual([false, true, false]);
  expect(asked.map((ids) => ids.length).sort()).toEqual([200, 51]);
});

const CONTEXT = { products: client, pricing: createPricing(), clock: systemClock, newId, call: {} };

function line(productId: string, quantity: bigint) {
  return { productId, quantity };
}

function ordered(changes: Asked): NewOrder {
  return NewOrder.fromPartial({
    guest: {},
    lines: [line(lamp.productId, 1n)],
    shippingAddress: ADDRESS,
    paymentMethodToken: "a token",
    ...changes,
  });
}

async function prepared(order: NewOrder, mayOverride: boolean): Promise<PreparedOrder | OrderRejection> {
  const [result] = await prepareOrders([order], { ...CONTEXT, mayOverride });
  if (result === undefined) throw new Error("no result for an order");
  return result;
}

async function accepted(order: NewOrder, mayOverride = false): Promise<Order> {
  const result = await prepared(order, mayOverride);
  if (isRejection(result)) throw new Error(result.message);
  return result.order;
}

async function rejected(order: NewOrder, mayOverride = false): Promise<OrderRejection> {
  const result = await prepared(order, mayOverride);
  if (!isRejection(result)) throw new Error("the order was accepted");
  return result;
}

function rules({ violations }: OrderRejection): string[] {
  return violations.map(({ field, reason }) => `${field}: ${reason}`);
}
