import { expect, test } from "vitest";
import type { Books, OrderBook } from "./books.ts";
import { type FollowedStream, NEW, type SeenChange, streamsComplete } from "./streams-complete.ts";

const order: OrderBook = {
  orderId: "a",
  requestId: "r",
  etag: "4",
  status: "PROCESSING",
  units: new Map(),
  restocked: new Map(),
  total: 0n,
  captured: 0n,
  refunded: 0n,
};
const books: Books = { orders: [order], payments: [], stock: [], provider: [] };

const states = [NEW, "PENDING", "RESERVING", "CAPTURING", "PROCESSING"];
const changes = states.slice(1).map((status, i): SeenChange => {
  return {
    orderId: "a",
    etag: String(i + 1),
    previousStatus: states[i] ?? "",
    status,
    snapshot: false,
  };
});
const [first, second, third, fourth] = changes as [SeenChange, SeenChange, SeenChange, SeenChange];
const whole: FollowedStream = { name: "all", orderId: undefined, changes, resumed: 2 };
const snapshot: SeenChange = { ...second, previousStatus: NEW, snapshot: true };
const one: FollowedStream = {
  name: "one",
  orderId: "a",
  changes: [snapshot, third, fourth],
  resumed: 1,
};

test("every change from the first on, or from a snapshot on, is legal", () => {
  expect(streamsComplete([whole, one], books)).toMatchObject({ outcome: "pass", checked: 7 });
  const all: FollowedStream = { ...one, changes: [{ ...fourth, snapshot: true }] };
  expect(streamsComplete([all], books)).toMatchObject({ outcome: "pass" });
});

test.each<[string, readonly SeenChange[], string]>([
  ["a change that was lost", [first, second, fourth], "has a gap before PROCESSING"],
  ["the first that was lost", [second, third, fourth], "begins in the middle"],
  ["the last that was lost", [first, second, third], "ends with CAPTURING, and is PROCESSING"],
  ["a change told twice", [first, second, second, third, fourth], "was told twice"],
  ["changes out of order", [first, third, second, fourth], "has a gap before CAPTURING"],
  ["a snapshot in the middle", [first, { ...third, snapshot: true }, fourth], "has a gap before CAPTURING"],
  ["an order that was never told", [], "was never told"],
])("%s is found", (_, told, evidence) => {
  expect(streamsComplete([{ ...whole, changes: told }], books)).toMatchObject({
    outcome: "fail",
    evidence: [expect.stringContaining(evidence)],
  });
});

test("a loss that leads back to the same state is found by another stream", () => {
  const there = { ...first, etag: "5", previousStatus: "PROCESSING", status: "REFUNDING" };
  const back = { ...first, etag: "6", previousStatus: "REFUNDING", status: "PROCESSING" };
  const later = { ...first, etag: "7", previousStatus: "PROCESSING", status: "SHIPPED" };
  const full = { ...whole, changes: [...changes, there, back, later] };
  const lossy = { ...one, changes: [snapshot, third, fourth, later] };
  const shipped: Books = { ...books, orders: [{ ...order, etag: "7", status: "SHIPPED" }] };
  expect(streamsComplete([full, lossy], shipped)).toMatchObject({
    outcome: "fail",
    evidence: [expect.stringContaining("otherwise than by the stream of all orders")],
  });
});

test("where nothing was followed nothing is known", () => {
  expect(streamsComplete([], books).outcome).toBe("unknown");
});
