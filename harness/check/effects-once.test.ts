import { expect, test } from "vitest";
import type { Books, OrderBook } from "./books.ts";
import { effectsOnce } from "./effects-once.ts";
import type { EffectAttempt } from "./history.ts";

const order: OrderBook = {
  orderId: "a",
  requestId: "r",
  etag: "",
  status: "PARTIALLY_REFUNDED",
  units: new Map([["p", 3n]]),
  restocked: new Map([["p", 1n]]),
  total: 300n,
  captured: 300n,
  refunded: 100n,
};
const refund: EffectAttempt = { kind: "refund", requestId: "1", orderId: "a", outcome: "ok" };
const cancel: EffectAttempt = { kind: "cancel", requestId: "2", orderId: "a", outcome: "ok" };

const booksOf = (...orders: OrderBook[]): Books => ({ orders, payments: [], stock: [], provider: [] });
const cancelled: OrderBook = { ...order, status: "CANCELLED" };
const untouched: OrderBook = { ...order, status: "PROCESSING", restocked: new Map() };

test.each<[string, readonly EffectAttempt[], OrderBook]>([
  ["a refund that was acknowledged and made", [refund], order],
  ["one in doubt that was made", [{ ...refund, outcome: "unknown" }], order],
  ["one in doubt that was not", [{ ...refund, outcome: "unknown" }], untouched],
  ["a cancellation", [cancel], cancelled],
  ["a refused cancellation", [{ ...cancel, outcome: "fail" }], untouched],
])("%s is legal", (_, attempts, book) => {
  expect(effectsOnce(attempts, booksOf(book))).toMatchObject({ outcome: "pass", checked: 1 });
});

test.each<[string, readonly EffectAttempt[], OrderBook, string]>([
  ["a refund that was lost", [refund], untouched, "0 units were refunded; 1 refunds were acknowledged"],
  ["one made twice", [refund], { ...order, restocked: new Map([["p", 2n]]) }, "2 units were refunded"],
  ["one made though refused", [{ ...refund, outcome: "fail" }], order, "0 refunds were acknowledged"],
  ["a cancellation that was lost", [cancel], untouched, "was cancelled and is PROCESSING"],
  ["one of nobody", [{ ...cancel, outcome: "fail" }], cancelled, "nobody's cancellation was taken"],
  ["one of an order that is not there", [{ ...cancel, orderId: "z" }], untouched, "z was to be undone"],
])("%s is found", (_, attempts, book, evidence) => {
  expect(effectsOnce(attempts, booksOf(book))).toMatchObject({
    outcome: "fail",
    evidence: [expect.stringContaining(evidence)],
  });
});

test("without an attempt nothing is known", () => {
  expect(effectsOnce([], booksOf(untouched)).outcome).toBe("unknown");
});
