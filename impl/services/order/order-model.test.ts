// Whatever is asked of orders in whatever order, and wherever their workers die: the service does what the model says, and in the end
// the books add up. MODEL_RUNS=<n> lives through more lives, and MODEL_SEED=<seed> through the ones of a seed that was printed.

import fc from "fast-check";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import type { OrderEvent } from "#proto/ecommerce/v1/order_service.ts";
import { versionOf } from "../shared/etag.ts";
import { OrderStatus } from "./order.ts";
import { statusName } from "./order-status.ts";
import { booksOf, sagasLeft } from "./testing/books.ts";
import { LivedOrders } from "./testing/lived-orders.ts";
import type { ModelOrder } from "./testing/model-order.ts";
import { minor, startOrders, status } from "./testing/order-fixture.ts";
import { OrderModel } from "./testing/order-model.ts";
import { CARDS, type CreateStep, type OrderStep } from "./testing/order-steps.ts";

const { MODEL_RUNS, MODEL_SEED } = process.env;
const RUNS = Number(MODEL_RUNS ?? 12);
/** A busy machine has time for fewer lives; one that fails is shrunk however long that takes. */
const BUDGET_MS = 4_000;
// Nobody works here but whom a step lets work, until it dies.
const orders = await startOrders({ works: false });
const { shop, database } = orders;

const rarely = fc.integer({ min: 0, max: 19 }).map((n) => n === 0);

const line = fc
  .record({
    quantity: fc.constantFrom(1, 2, 2, 3, 4),
    price: fc.integer({ min: 1, max: 500 }),
    short: rarely,
  })
  // What was never in stock has no books.
  .map((wished) => ({ ...wished, short: wished.short && wished.quantity > 1 }));

const create: fc.Arbitrary<CreateStep> = fc.record({
  do: fc.constant("create" as const),
  lines: fc.oneof({ weight: 2, arbitrary: fc.tuple(line) }, fc.tuple(line, line)),
  shipping: fc.integer({ min: 0, max: 300 }),
  card: fc.oneof(
    { weight: 5, arbitrary: fc.constant("faultless" as const) },
    fc.constantFrom(...(Object.keys(CARDS) as (keyof typeof CARDS)[])),
  ),
});

/** Mostly the first one, so that it comes far. */
const order = fc.constantFrom(0, 0, 0, 1, 2);
const ofOrder = { order, stale: rarely };
const ofLine = {
  ...ofOrder,
  line: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 2, 2, 3),
  quantity: fc.constantFrom(1, 1, 1, 1, 2, 2, 3, 4),
};

const again: fc.Arbitrary<OrderStep>[] = [
  fc.record({ do: fc.constant("create again" as const), order, changed: fc.boolean() }),
  fc.record({ do: fc.constant("refund again" as const), order, changed: fc.boolean() }),
];
const worked: fc.Arbitrary<OrderStep> = fc.constant({ do: "work", until: undefined });
const workedForAWhile: fc.Arbitrary<OrderStep> = fc.record({
  do: fc.constant("work" as const),
  until: fc.integer({ min: 1, max: 20 }),
});
const cancelled = fc.record({ do: fc.constant("cancel" as const), ...ofOrder });
const fulfilled = fc.record({ do: fc.constantFrom("ship" as const, "deliver" as const), ...ofOrder });
const askedBack = fc.record({ do: fc.constant("ask back" as const), ...ofLine });
const takenBack = fc.record({ do: fc.constant("take back" as const), restock: fc.boolean(), ...ofLine });
const refunded = fc.record({
  do: fc.constant("refund" as const),
  ...ofLine,
  restock: fc.boolean(),
  amount: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 600 })),
  surprised: rarely,
});
const cut = fc.record({ do: fc.constant("cut" as const), order });

/** What stands more than once is taken more often. */
const steps: readonly fc.Arbitrary<OrderStep>[] = [
  ...[create, worked, workedForAWhile, ...again, cancelled, cut],
  ...[fulfilled, fulfilled, fulfilled, fulfilled, askedBack, askedBack, takenBack, takenBack],
  ...[refunded, refunded, refunded, refunded, refunded, refunded],
];
/** Most lives begin with orders that are paid. */
const beginning: fc.Arbitrary<readonly OrderStep[]> = fc
  .tuple(fc.array(create, { minLength: 1, maxLength: 2 }), fc.oneof(worked, worked, workedForAWhile))
  .map(([orders, work]) => [...orders, work]);

test("orders live as the model says, and their books add up", {
  timeout: 120_000 + RUNS * 2_000,
}, async () => {
  const commands = fc.commands(
    steps.map((step) => step.map(commandOf)),
    { maxCommands: 30, size: "max" },
  );
  const enoughAt = performance.now() + (MODEL_RUNS === undefined ? BUDGET_MS : Number.POSITIVE_INFINITY);
  let failed = false;
  const property = fc.asyncProperty(beginning, commands, async (first, life) => {
    if (!failed && performance.now() > enoughAt) return;
    try {
      await live(first, life);
    } catch (error) {
      failed = true;
      throw error;
    }
  });
  await fc.assert(property, {
    numRuns: RUNS,
    ...(MODEL_SEED === undefined ? {} : { seed: Number(MODEL_SEED) }),
  });
});

type Life = Iterable<fc.AsyncCommand<OrderModel, LivedOrders>>;

async function live(first: readonly OrderStep[], life: Life): Promise<void> {
  const [model, real] = [new OrderModel(), new LivedOrders(orders)];
  try {
    for (const step of first) await take(step, model, real);
    await fc.asyncModelRun(() => ({ model, real }), life);
    await real.workToTheEnd();
    model.settle();
    await compare(model, real);
    expect(await sagasLeft(database)).toEqual([]);
    expect(await requestsWithManyOrders()).toEqual([]);
    for (const [index, each] of (await real.orders()).entries()) {
      await booksOf(shop, each, present(model.orders[index]).restocked);
    }
  } finally {
    await Promise.all((await real.orders()).map(({ etag }, index) => real.lived[index]?.followed.end(etag)));
  }
  for (const { followed } of real.lived) checkHistory(followed.events);
}

function commandOf(step: OrderStep): fc.AsyncCommand<OrderModel, LivedOrders> {
  return {
    check: (model) => model.bears(step),
    run: (model, real) => take(step, model, real),
    toString: () => JSON.stringify(step),
  };
}

async function take(step: OrderStep, model: OrderModel, real: LivedOrders): Promise<void> {
  const expected = model.take(step);
  expect([step, await real.take(step)]).toEqual([step, expected]);
  await compare(model, real);
}

/** An order in process may have come further: as far as the model allows it. */
async function compare(model: OrderModel, real: LivedOrders): Promise<void> {
  for (const [index, found] of (await real.orders()).entries()) {
    const expected = present(model.orders[index]);
    const before = expected.status;
    expect(model.found(expected, status(found)), `${before}, then ${status(found)}`).toBe(true);
    expect(shown(found)).toEqual(modelled(expected));
  }
}

function shown({ totals, lines, shipments }: Order) {
  return {
    totals: [totals?.total, totals?.captured, totals?.refunded].map(minor),
    lines: lines.map((line) => [line.returnedQuantity, line.refundedQuantity, minor(line.refundedAmount)]),
    parcels: shipments.map(({ deliverTime }) => deliverTime !== undefined),
  };
}

function modelled({ total, captured, refunded, lines, sent, delivered }: ModelOrder) {
  return {
    totals: [total, captured, refunded],
    lines: lines.map((line) => [line.returned, line.refunded, line.refundedAmount]),
    parcels: sent ? [delivered] : [],
  };
}

async function requestsWithManyOrders(): Promise<unknown[]> {
  const { rows } = await sql`select request_id from orders.orders group by caller, request_id
    having count(*) > 1`.execute(database.queries);
  return rows;
}

/** What can follow each state: the comments of OrderStatus. A refund that fails leads back to where it began. */
const THEN: Readonly<Record<string, readonly string[]>> = {
  PENDING: ["RESERVING", "CANCELLING"],
  RESERVING: ["AUTHORIZING", "OUT_OF_STOCK", "CANCELLING", "FAILED"],
  AUTHORIZING: ["CONFIRMED", "PAYMENT_FAILED", "CANCELLING", "FAILED"],
  CONFIRMED: ["CAPTURING", "CANCELLING"],
  CAPTURING: ["PROCESSING", "PAYMENT_FAILED", "FAILED"],
  PROCESSING: ["SHIPPED", "CANCELLING", "REFUNDING"],
  SHIPPED: ["DELIVERED", "RETURN_REQUESTED", "REFUNDING"],
  DELIVERED: ["RETURN_REQUESTED", "REFUNDING"],
  RETURN_REQUESTED: ["RETURNED", "REFUNDING"],
  RETURNED: ["REFUNDING"],
  REFUNDING: ["REFUNDED", "PARTIALLY_REFUNDED"],
  PARTIALLY_REFUNDED: ["SHIPPED", "DELIVERED", "RETURN_REQUESTED", "REFUNDING"],
  CANCELLING: ["CANCELLED"],
};

/** Every version once and in its order, each in a state that can follow the one before. */
function checkHistory(events: readonly OrderEvent[]): void {
  expect(events.map((event) => Number(versionOf(event.order?.etag ?? "")))).toEqual(
    events.map((_, index) => index + 1),
  );
  let [before, refundedFrom] = ["", ""];
  for (const { previousStatus, order: after, snapshot } of events) {
    const [was, is] = [
      statusName(previousStatus),
      statusName(after?.status ?? OrderStatus.ORDER_STATUS_UNSPECIFIED),
    ];
    if (before === "") expect([snapshot, is]).toEqual([true, "PENDING"]);
    else {
      expect(was).toBe(before);
      const allowed = before === "REFUNDING" ? [...(THEN[before] ?? []), refundedFrom] : THEN[before];
      expect(allowed).toContain(is);
    }
    if (is === "REFUNDING") refundedFrom = before;
    before = is;
  }
}
