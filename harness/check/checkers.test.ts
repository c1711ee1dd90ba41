import { expect, test } from "vitest";
import type { Books, OrderBook, PaymentBook, ProviderBook, StockBook } from "./books.ts";
import type { OrderAttempt } from "./history.ts";
import { moneyAddsUp } from "./money-adds-up.ts";
import { ordersSurvive, sagasEnd } from "./orders-survive.ts";
import { stockAddsUp } from "./stock-adds-up.ts";
import { judged, type Verdict } from "./verdict.ts";

const none = new Map<string, bigint>();
const paid: OrderBook = {
  orderId: "paid",
  requestId: "r1",
  etag: "",
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
  etag: "",
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

test("a cancelled order that got its money back is legal, and so is an unknown request that made its order", () => {
  const undone: OrderBook = { ...failed, status: "CANCELLED", captured: 500n, refunded: 500n };
  const books: Books = {
    ...legal,
    orders: [paid, undone],
    payments: [payment, { ...payment, orderId: "failed", captured: 500n, refunded: 500n }],
    provider: [charge, { ...charge, orderId: "failed", captured: 500n, refunded: 500n }],
  };
  const outcomes = [moneyAddsUp(books), stockAddsUp(books), sagasEnd(books), ordersSurvive(history, books)];
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(["pass", "pass", "pass", "pass"]);
});

/** What is wrong with the books, what is wrong there, and the one contradiction that must be found. */
type Illegal<T> = readonly [what: string, changes: T, evidence: string];

const unpaid = { ...paid, status: "PROCESSING", total: 400n };
const kept = { ...failed, captured: 500n };
const generous = { ...paid, refunded: 301n };

test.each<Illegal<Partial<Books>>>([
  [
    "a capture that payments do not know",
    { payments: [{ ...payment, captured: 200n }] },
    "captured 300, at payments 200",
  ],
  [
    "a refund that payments do not know",
    { payments: [{ ...payment, refunded: 0n }] },
    "refunded 100, at payments 0",
  ],
  ["an order that is packed and not paid", { orders: [unpaid, failed] }, "captured 300 of 400"],
  [
    "money kept of a failed order",
    {
      orders: [paid, kept],
      payments: [payment, { ...payment, orderId: "failed", captured: 500n, refunded: 0n }],
      provider: [charge, { ...charge, orderId: "failed", captured: 500n, refunded: 0n }],
    },
    "captured 500, given back 0",
  ],
  [
    "more given back than taken",
    {
      orders: [generous, failed],
      payments: [{ ...payment, refunded: 301n }],
      provider: [{ ...charge, refunded: 301n }],
    },
    "given back 301 of 300",
  ],
  ["a second capture at the provider", { provider: [{ ...charge, captures: 2 }] }, "captured 2 times"],
  [
    "a charge that only the provider knows",
    { provider: [charge, { ...charge, orderId: "failed", refunded: 0n }] },
    "captured 0, at the provider 300",
  ],
  ["an authorization that nobody let go", { provider: [{ ...charge, open: 1n }] }, "1 is still authorized"],
  [
    "a refund that the provider did not make",
    { provider: [{ ...charge, refunded: 0n }] },
    "at the provider 0",
  ],
  [
    "a payment of no order",
    { payments: [payment, { ...payment, orderId: "x" }] },
    "x was paid for and is no order",
  ],
  [
    "a charge of no order",
    { provider: [charge, { ...charge, orderId: "x" }] },
    "x was paid for and is no order",
  ],
])("money does not add up with %s", (_, changes, evidence) => {
  expectOne(moneyAddsUp({ ...legal, ...changes }), evidence);
});

test.each<Illegal<Partial<StockBook>>>([
  ["a unit lost", { available: 7n }, "does not add up"],
  ["a unit oversold", { sold: 3n, available: 7n }, "sold 3, and orders took 2"],
  ["a negative number", { received: 1n, available: -1n }, "is negative"],
  ["a unit still promised", { available: 7n, reserved: 1n }, "1 still reserved"],
  [
    "a product that was not there",
    { productId: "q", sold: 0n, available: 10n },
    "2 sold, and it has no stock",
  ],
])("stock does not add up with %s", (_, changes, evidence) => {
  expectOne(stockAddsUp({ ...legal, stock: [{ ...stock, ...changes }] }), evidence);
});

test.each<Illegal<readonly OrderBook[]>>([
  ["lost", [failed], "answered with paid, which is not there"],
  ["another than was answered", [{ ...paid, orderId: "other" }, failed], "answered with paid"],
  ["made twice", [paid, { ...paid, orderId: "again" }, failed], "request r1 made 2 orders"],
  ["not what was asked for", [{ ...paid, units: none }, failed], "has not the units"],
  [
    "refused and made all the same",
    [paid, failed, { ...paid, orderId: "z", requestId: "r3" }],
    "was refused, and made z",
  ],
  ["made by nobody", [paid, failed, { ...paid, orderId: "z", requestId: "r9" }], "nobody sent request r9"],
])("an order that is %s is found", (_, orders, evidence) => {
  expectOne(ordersSurvive(history, { ...legal, orders }), evidence);
});

test.each<Illegal<Partial<Books>>>([
  [
    "an order that goes on",
    { orders: [{ ...paid, status: "CAPTURING" }, failed] },
    "paid is still CAPTURING",
  ],
  ["a payment in doubt", { payments: [{ ...payment, pending: true }] }, "has an attempt without outcome"],
])("%s is no end", (_, changes, evidence) => {
  expectOne(sagasEnd({ ...legal, ...changes }), evidence);
});

function expectOne(verdict: Verdict, evidence: string): void {
  expect(verdict).toMatchObject({ outcome: "fail", evidence: [expect.stringContaining(evidence)] });
}

test("nothing to check is not a pass, and neither is a checker that fails", () => {
  const nothing: Books = { orders: [], payments: [], stock: [], provider: [] };
  expect(moneyAddsUp(nothing).outcome).toBe("unknown");
  expect(stockAddsUp(nothing).outcome).toBe("unknown");
  expect(sagasEnd(nothing).outcome).toBe("unknown");
  expect(ordersSurvive([], nothing).outcome).toBe("unknown");
  expect(
    judged("it holds", () => {
      throw new Error("cannot read");
    }),
  ).toMatchObject({ outcome: "unknown", evidence: [expect.stringContaining("cannot read")] });
});
