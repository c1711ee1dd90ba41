import { expect, test } from "vitest";
import type { Books, OrderBook, PaymentBook, ProviderBook, StockBook } from "./books.ts";
import type { OrderAttempt } from "./history.ts";
import { moneyAddsUp } from "./money-adds-up.ts";
import { ordersSurvive, sagasEnd } from "./orders-survive.ts";
import { stockAddsUp } from "./stock-adds-up.ts";
import { judged } from "./verdict.ts";

const none = new Map<string, bigint>();
const paid: OrderBook = {
  orderId: "paid",
  requestId: "r1",
  status: "PARTIALLY_REFUNDED",
  units: new Map([["p", 3n]]),
  restocked: new Map([["p", 1n]]),
  total: 300n,
  captured: 300n,
  refunded: 100n,
};
const failed: OrderBook = {
  orderId: "failed",
  requestId: "r2",
  status: "PAYMENT_FAILED",
  units: new Map([["p", 5n]]),
  restocked: none,
  total: 500n,
  captured: 0n,
  refunded: 0n,
};
const payment: PaymentBook = {
  paymentId: "x",
  orderId: "paid",
  state: "PARTIALLY_REFUNDED",
  captured: 300n,
  refunded: 100n,
  pending: false,
};
const charge: ProviderBook = {
  orderId: "paid",
  authorizations: 1,
  captures: 1,
  captured: 300n,
  refunded: 100n,
  open: 0n,
};
const stock: StockBook = { productId: "p", received: 10n, available: 8n, reserved: 0n, sold: 2n };
const legal: Books = { orders: [paid, failed], payments: [payment], stock: [stock], provider: [charge] };

const history: readonly OrderAttempt[] = [
  { requestId: "r1", outcome: "ok", orderId: "paid", units: paid.units },
  { requestId: "r2", outcome: "unknown", orderId: undefined, units: failed.units },
  { requestId: "r3", outcome: "fail", orderId: undefined, units: none },
  { requestId: "r4", outcome: "unknown", orderId: undefined, units: none },
];

test("legal books pass, with the number of things that were looked at", () => {
  expect(moneyAddsUp(legal)).toMatchObject({ outcome: "pass", checked: 2 });
  expect(stockAddsUp(legal)).toMatchObject({ outcome: "pass", checked: 1 });
  expect(sagasEnd(legal)).toMatchObject({ outcome: "pass", checked: 2 });
  expect(ordersSurvive(history, legal)).toMatchObject({ outcome: "pass", checked: 4 });
});

test.each<[string, Partial<Books>]>([
  ["a capture that the order does not know", { orders: [{ ...paid, captured: 200n }, failed] }],
  [
    "an order that is being packed and was not paid",
    { orders: [{ ...paid, status: "PROCESSING", total: 400n }, failed] },
  ],
  ["money kept of a failed order", { orders: [paid, { ...failed, captured: 500n }] }],
  [
    "more given back than taken",
    { orders: [{ ...paid, refunded: 301n }, failed], payments: [{ ...payment, refunded: 301n }] },
  ],
  ["a second capture at the provider", { provider: [{ ...charge, captures: 2 }] }],
  ["a charge that only the provider knows", { provider: [charge, { ...charge, orderId: "failed" }] }],
  ["an authorization that nobody gave back", { provider: [{ ...charge, open: 1n }] }],
  ["a refund that the provider did not make", { provider: [{ ...charge, refunded: 0n }] }],
  ["a payment of no order", { payments: [payment, { ...payment, orderId: "nobody" }] }],
])("money does not add up with %s", (_, changes) => {
  expect(moneyAddsUp({ ...legal, ...changes }).outcome).toBe("fail");
});

test.each<[string, Partial<StockBook>]>([
  ["a unit lost", { available: 7n }],
  ["a unit oversold", { sold: 3n, available: 7n }],
  ["a negative number", { available: -1n, sold: 11n }],
  ["a unit still promised", { available: 7n, reserved: 1n }],
])("stock does not add up with %s", (_, changes) => {
  expect(stockAddsUp({ ...legal, stock: [{ ...stock, ...changes }] }).outcome).toBe("fail");
});

test("a sale of a product without stock is found", () => {
  expect(stockAddsUp({ ...legal, stock: [] }).outcome).toBe("fail");
});

test("orders that are lost, doubled, changed, refused and made all the same, or made by nobody are found", () => {
  const found = (orders: readonly OrderBook[]) => ordersSurvive(history, { ...legal, orders }).outcome;
  expect(found([failed])).toBe("fail");
  expect(found([paid, { ...paid, orderId: "again" }])).toBe("fail");
  expect(found([{ ...paid, orderId: "other" }])).toBe("fail");
  expect(found([{ ...paid, units: none }])).toBe("fail");
  expect(found([paid, { ...paid, orderId: "z", requestId: "r3" }])).toBe("fail");
  expect(found([paid, { ...paid, orderId: "z", requestId: "r9" }])).toBe("fail");
});

test("an order that goes on and a payment in doubt are no end", () => {
  expect(sagasEnd({ ...legal, orders: [{ ...paid, status: "CAPTURING" }] }).outcome).toBe("fail");
  expect(sagasEnd({ ...legal, payments: [{ ...payment, pending: true }] }).outcome).toBe("fail");
});

test("nothing to check is not a pass, and neither is a checker that fails", () => {
  const nothing: Books = { orders: [], payments: [], stock: [], provider: [] };
  expect(moneyAddsUp(nothing).outcome).toBe("unknown");
  expect(stockAddsUp(nothing).outcome).toBe("unknown");
  expect(ordersSurvive([], nothing).outcome).toBe("unknown");
  expect(
    judged("it holds", () => {
      throw new Error("cannot read");
    }),
  ).toMatchObject({ outcome: "unknown", evidence: [expect.stringContaining("cannot read")] });
});
