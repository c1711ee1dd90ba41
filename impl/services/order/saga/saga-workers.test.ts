import { type CompiledQuery, sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Database } from "#impl/storage/database.ts";
import type { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { CancelOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import { OrderStatus } from "../order.ts";
import { booksOf, sagasLeft } from "../testing/books.ts";
import { mortal } from "../testing/mortal.ts";
import { draft, get, reached, startOrders, status, take } from "../testing/order-fixture.ts";
import type { OrderProcess, OrderProcessOptions } from "../testing/order-process.ts";
import { checkSagaLimits, DEFAULT_SAGA_LIMITS, pauseAfter } from "./saga-limits.ts";

const orders = await startOrders({ works: false });
const { shop, database } = orders;
const PROCESSING = OrderStatus.ORDER_STATUS_PROCESSING;

test("orders that a process took without working at them are processed by another", async () => {
  const waiting = await Promise.all(Array.from({ length: 5 }, async () => take(orders, await order())));
  const worker = await startWorker();
  await Promise.all(waiting.map(({ orderId }) => reached(orders, orderId, PROCESSING)));
  await worker.sagas.stop();
  expect(worker.sagas.stats()).toMatchObject({ running: 0, ended: 5 });
});

test("a process that is killed loses its orders to another when its leases are over, and nothing is done twice", async () => {
  const life = mortal(4);
  const killed = await startWorker({
    limits: { leaseMs: 60, pollMs: 3_600_000 },
    sagaDatabase: life.database,
    inventory: life.client(shop.inventory.client),
    payments: life.client(shop.payments.client),
  });
  const { orderId } = await take(killed, await order());
  await expect.poll(() => life.dead).toBe(true);
  const { rows } = await sql`select holder from orders.sagas where order_id = ${orderId}`.execute(
    database.queries,
  );
  expect(rows).toEqual([{ holder: killed.sagas.lease.holder }]);
  await startWorker();
  const paid = await reached(orders, orderId, PROCESSING);
  await booksOf(shop, paid);
});

test("a lease is kept up while its saga is at work, however long that takes", async () => {
  const gate = Promise.withResolvers<void>();
  const leaseMs = 3_600_000;
  const clock = manualClock();
  const slow = await startWorker({
    clock,
    limits: { leaseMs },
    inventory: held(shop.inventory.client, "reserveStock", gate.promise),
  });
  const { orderId } = await take(slow, await order());
  // Two leases long.
  for (let third = 0; third < 6; third += 1) {
    const due = await dueTime(orderId);
    const renewed = async (): Promise<boolean> => {
      // When the renewal that follows is set.
      if (clock.waits.includes(leaseMs / 3)) clock.advance(leaseMs / 3);
      return (await dueTime(orderId)) > due;
    };
    await expect.poll(renewed).toBe(true);
  }
  gate.resolve();
  await reached(orders, orderId, PROCESSING);
});

test("a process that stops lets go of its orders at once, and another goes on with them", async () => {
  const stopping = await startWorker({
    limits: { leaseMs: 3_600_000 },
    inventory: held(shop.inventory.client, "reserveStock", new Promise(() => {})),
  });
  const { orderId } = await take(stopping, await order());
  await reached(orders, orderId, OrderStatus.ORDER_STATUS_RESERVING);
  await stopping.sagas.stop();
  await startWorker();
  await booksOf(shop, await reached(orders, orderId, PROCESSING));
});

test("no more sagas are at work than the limit, and a quarter of them is kept for orders that somebody waits for", async () => {
  const gate = Promise.withResolvers<void>();
  const left = await Promise.all(Array.from({ length: 6 }, async () => take(orders, await order())));
  const worker = await startWorker({
    limits: { concurrency: 4 },
    inventory: held(shop.inventory.client, "reserveStock", gate.promise),
  });
  const running = (count: number): Promise<void> =>
    expect.poll(() => worker.sagas.stats().running).toBe(count);
  await running(3);
  const waited = await take(worker, await order());
  await running(4);
  const queued = await take(worker, await order());
  expect(worker.sagas.stats().running).toBe(4);
  gate.resolve();
  const ids = [...left, waited, queued].map(({ orderId }) => orderId);
  await Promise.all(ids.map((orderId) => reached(orders, orderId, PROCESSING)));
});

test("a service that does not answer is asked again, and after so many attempts the order fails and holds nothing", async () => {
  const down = unavailable(shop.payments.client, "authorizePayment");
  const worker = await startWorker({ limits: { maxAttempts: 3 }, payments: down.client });
  const { orderId } = await take(worker, await order());
  await expect.poll(down.refused).toBeGreaterThanOrEqual(3);
  // To let go of it the saga must know that there is nothing to let go of.
  down.answer();
  const failed = await reached(orders, orderId, OrderStatus.ORDER_STATUS_FAILED);
  expect(failed.failure).toMatchObject({ reason: "PAYMENT_UNAVAILABLE" });
  await booksOf(shop, failed);
});

test("an undoing that fails is tried for ever, and raises an alarm", async () => {
  const down = unavailable(shop.inventory.client, "releaseReservation");
  const worker = await startWorker({
    limits: { maxAttempts: 3, alarmAttempts: 3 },
    inventory: down.client,
  });
  const paymentMethodToken = await shop.token("4000000000000002");
  const { orderId } = await take(worker, await order({ paymentMethodToken }));
  await expect.poll(() => worker.sagas.stats().alarms).toBeGreaterThanOrEqual(3);
  expect(worker.logged.some(({ level, fields }) => level === "error" && fields.orderId === orderId)).toBe(
    true,
  );
  expect(status(await get(orders, orderId))).toBe("AUTHORIZING");
  down.answer();
  await booksOf(shop, await reached(orders, orderId, OrderStatus.ORDER_STATUS_PAYMENT_FAILED));
});

test("a cancellation wakes a saga that waits for its next attempt", async () => {
  const down = unavailable(shop.inventory.client, "reserveStock");
  const limits = { firstPauseMs: 3_600_000, longestPauseMs: 3_600_000 };
  const worker = await startWorker({ limits, inventory: down.client });
  const { orderId } = await take(worker, await order());
  await expect.poll(() => worker.sagas.stats().postponed).toBe(1);
  down.answer();
  await worker.client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
  await reached(orders, orderId, OrderStatus.ORDER_STATUS_CANCELLED);
});

test("a saga that its process takes again before it knows that it has let go of it is worked at", async () => {
  const down = unavailable(shop.inventory.client, "reserveStock");
  const worker = await startWorker({
    limits: { leaseMs: 3_600_000 },
    inventory: down.client,
    sagaDatabase: lateToLetGo,
  });
  const { orderId } = await take(worker, await order());
  await expect.poll(down.refused).toBe(1);
  down.answer();
  await reached(orders, orderId, PROCESSING);
});

test("no saga is left", async () => {
  expect(await sagasLeft(database)).toEqual([]);
});

test("pauses grow, are never longer than the longest, and never shorter than half", () => {
  const limits = { ...DEFAULT_SAGA_LIMITS, firstPauseMs: 100, longestPauseMs: 1_000 };
  expect([1, 2, 3, 4, 5, 100].map((attempts) => pauseAfter(attempts, 0, limits))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(pauseAfter(3, 1, limits)).toBe(200);
});

test("a limit that cannot be stops the start with its name and value", () => {
  expect(() => checkSagaLimits({ ...DEFAULT_SAGA_LIMITS, leaseMs: 0 })).toThrow("saga leaseMs 0");
});

/** Works until the test is over, however it ends: no other test's orders may fall into its hands. */
async function startWorker(options?: OrderProcessOptions): Promise<OrderProcess> {
  const worker = await orders.startProcess(options);
  onTestFinished(() => worker.sagas.stop());
  return worker;
}

/** Hears that it has let go of a saga only after it has taken one. */
function lateToLetGo(real: Database<unknown>): Database<unknown> {
  const taken = Promise.withResolvers<void>();
  const executeQuery: typeof real.queries.executeQuery = async <R>(query: CompiledQuery<R>) => {
    const result = await real.queries.executeQuery<R>(query);
    if (query.sql.includes("with due as") && result.rows.length > 0) setImmediate(taken.resolve);
    if (query.sql.includes("set holder = null, attempts")) await taken.promise;
    return result;
  };
  const queries = new Proxy(real.queries, {
    get(target, name) {
      if (name === "executeQuery") return executeQuery;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...real, queries };
}

async function order(changes: Parameters<typeof NewOrder.fromPartial>[0] = {}): Promise<NewOrder> {
  return await draft(shop, [{ productId: await shop.product(3n, 333n), quantity: 3n }], changes);
}

async function dueTime(orderId: string): Promise<number> {
  const { rows } = await sql<{ due_time: Date }>`
    select due_time from orders.sagas where order_id = ${orderId}`.execute(database.queries);
  return rows[0]?.due_time.getTime() ?? Number.NaN;
}

/** The client, with calls of one method that begin when the gate opens. */
function held<C extends object>(client: C, method: string & keyof C, gate: Promise<void>): C {
  return intercepted(client, method, async (send, options) => {
    await Promise.race([gate, aborted(options?.signal)]);
    return await send();
  });
}

/** The client, with calls of one method that fail as a service does that is not there. */
function unavailable<C extends object>(client: C, method: string & keyof C) {
  let down = true;
  let refused = 0;
  const failing = intercepted(client, method, async (send) => {
    if (!down) return await send();
    refused += 1;
    throw new Error("nobody answers");
  });
  return {
    client: failing,
    refused: () => refused,
    answer: () => {
      down = false;
    },
  };
}

type Intercept = (send: () => Promise<unknown>, options?: { signal?: AbortSignal }) => Promise<unknown>;

function intercepted<C extends object>(client: C, method: string & keyof C, intercept: Intercept): C {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== method || typeof value !== "function") return value;
      return (request: unknown, options?: { signal?: AbortSignal }) =>
        intercept(async () => value.call(target, request, options), options);
    },
  });
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
