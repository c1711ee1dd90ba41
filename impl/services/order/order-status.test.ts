import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { isFinal, isProcessed, type StatusEvent, statusName, transition } from "./order-status.ts";

const statuses = Object.values(OrderStatus);
const edges = documentedEdges();
const events: readonly StatusEvent[] = [
  { kind: "reserve" },
  { kind: "authorize" },
  { kind: "confirm" },
  { kind: "capture" },
  { kind: "paid" },
  { kind: "out_of_stock" },
  { kind: "payment_failed" },
  { kind: "fail" },
  { kind: "cancel" },
  { kind: "cancelled" },
  { kind: "ship" },
  { kind: "deliver" },
  { kind: "request_return" },
  { kind: "receive_return" },
  { kind: "refund" },
  { kind: "refunded", all: true },
  { kind: "refunded", all: false },
  ...statuses.map((before) => ({ kind: "refund_failed", before }) as const),
];

test("the states that follow each other are those of the contract's comments", () => {
  const possible = statuses.flatMap((status) =>
    events.flatMap((event) => {
      const next = transition(status, event);
      return next === undefined ? [] : [`${statusName(status)} -> ${statusName(next)}`];
    }),
  );
  expect([...new Set(possible)].sort()).toEqual([...edges].sort());
});

test("no sequence of events leaves the documented edges, and nothing follows a final state", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...events), { maxLength: 40 }), (sequence) => {
      let status: OrderStatus = OrderStatus.ORDER_STATUS_PENDING;
      for (const event of sequence) {
        const next = transition(status, event);
        if (next === undefined) continue;
        expect(isFinal(status)).toBe(false);
        expect(edges).toContain(`${statusName(status)} -> ${statusName(next)}`);
        status = next;
      }
    }),
  );
});

test("a final state is one that the comments call so", () => {
  const named = [...commentsOf()].filter(([, comment]) => comment.includes("Final."));
  expect(statuses.filter(isFinal).map(statusName)).toEqual(named.map(([name]) => name));
});

test("the processing of an order is over with PROCESSING and whatever is only reached through it, or in an error state", () => {
  const inProcess = statuses.filter((status) => !isProcessed(status)).map(statusName);
  expect(inProcess).toEqual([
    "UNSPECIFIED",
    "PENDING",
    "RESERVING",
    "AUTHORIZING",
    "CONFIRMED",
    "CAPTURING",
    "CANCELLING",
  ]);
});

/** "PENDING -> RESERVING", from "Then RESERVING or CANCELLING." */
function documentedEdges(): Set<string> {
  const all = new Set<string>();
  for (const [name, comment] of commentsOf()) {
    const [, following = ""] = /Then ([A-Z_, or]+)/.exec(comment) ?? [];
    for (const next of following.match(/[A-Z_]{2,}/g) ?? []) all.add(`${name} -> ${next}`);
    if (comment.includes("leads back to the state before it")) {
      for (const [before, text] of commentsOf()) {
        if (/Then .*REFUNDING/.test(text)) all.add(`${name} -> ${before}`);
      }
    }
  }
  return all;
}

/** Name and comment of each state, from the source of the contract. */
function commentsOf(): Map<string, string> {
  const source = readFileSync("proto/ecommerce/v1/order.proto", "utf8");
  const found = source.matchAll(/\/\/ (.*)\n +ORDER_STATUS_([A-Z_]+) = \d+;/g);
  return new Map(Array.from(found, ([, comment = "", name = ""]) => [name, comment]));
}
