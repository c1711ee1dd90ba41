import { sql } from "kysely";
import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { OrderEvent } from "#proto/ecommerce/v1/order_service.ts";
import { create, productFixture } from "../product/testing/product-fixture.ts";
import { bulkKey, orderKey } from "./order-event.ts";
import { insertOrders } from "./order-insert.ts";
import { isRejection, type PreparedOrder, prepareOrders } from "./order-intake.ts";
import { orderMessage } from "./order-message.ts";
import { findOrders } from "./order-reads.ts";
import type { OrderRejection } from "./order-rejection.ts";
import { ordersSchema } from "./order-row.ts";
import { createPricing } from "./pricing.ts";
import { ADDRESS } from "./testing/order-draft.ts";

const { client } = await productFixture();
const database = await testDatabase<unknown>({ migrations: [ordersSchema] });
const events = await testEventLog(database, ordersSchema.schema);
const { queries } = database;
const lamp = await create(client);

test("what is stored is what was prepared, with an event and a saga for each", async () => {
  const head = await events.head();
  const prepared = await prepare();
  const stored = await insertOrders(queries, prepared);
  events.committed();
  expect(stored).toEqual(prepared.map(({ order }) => order));
  const ids = stored.map(({ orderId }) => orderId);
  expect(new Map((await findOrders(queries, ids)).map((order) => [order.orderId, order]))).toEqual(
    new Map(stored.map((order) => [order.orderId, order])),
  );
  const subscription = events.subscribe({ after: head, signal: AbortSignal.timeout(5_000) });
  for (const order of stored) {
    const event = await subscription.next(5_000);
    expect(event?.keys).toEqual([orderKey(order.orderId)]);
    expect(OrderEvent.decode(event?.payload ?? new Uint8Array()).order).toEqual(orderMessage(order));
  }
  const { rows } = await sql`select saga_id from orders.sagas where kind = 'order' and holder is null
    and order_id = any(${ids}::uuid[])`.execute(queries);
  expect(rows).toHaveLength(3);
});

test("a second order of one request is not stored, and neither are its lines or its event", async () => {
  const [first, second, third] = await prepare();
  const requests = [request("a"), request("b")];
  expect(await insertOrders(queries, [first, second], { requests })).toHaveLength(2);
  const counts = await rowCounts();
  expect(await insertOrders(queries, [third], { requests: [request("b")] })).toEqual([]);
  expect(await rowCounts()).toEqual(counts);
});

test("a place of a bulk job is taken once, and the order's event can be found by the job", async () => {
  const [first, second] = await prepare();
  const bulk = { jobId: newId(), position: 4n };
  const inJob = ({ order }: PreparedOrder): PreparedOrder => ({ order: { ...order, bulk } });
  await insertOrders(queries, [inJob(first)]);
  await expect(insertOrders(queries, [inJob(second)])).rejects.toMatchObject({
    constraint: "orders_bulk_position",
  });
  const { rows } = await sql`select from orders.outbox where keys @> array[${bulkKey(bulk.jobId)}]`.execute(
    queries,
  );
  expect(rows).toHaveLength(1);
});

const requestIds = new Map<string, string>();

/** The same for the same name. */
function request(name: string) {
  const requestId = requestIds.get(name) ?? newId();
  requestIds.set(name, requestId);
  return { caller: "somebody", requestId, fingerprint: new Uint8Array(32).fill(1) };
}

async function prepare(): Promise<[PreparedOrder, PreparedOrder, PreparedOrder]> {
  const asked = Array.from({ length: 3 }, (_, index) =>
    NewOrder.fromPartial({
      guest: { email: index === 0 ? "somebody@example.com" : "" },
      reference: `R-${index}`,
      lines: [
        { productId: lamp.productId, quantity: 3n },
        { productId: lamp.productId, quantity: 1n },
      ],
      shippingAddress: ADDRESS,
      billingAddress: index === 1 ? ADDRESS : undefined,
      paymentMethodToken: "a token",
    }),
  );
  const context = {
    products: client,
    pricing: createPricing(),
    clock: systemClock,
    newId,
    mayOverride: false,
  };
  const [first, second, third] = await prepareOrders(asked, { ...context, call: {} });
  return [accepted(first), accepted(second), accepted(third)];
}

function accepted(result: PreparedOrder | OrderRejection | undefined): PreparedOrder {
  if (result === undefined || isRejection(result)) throw new Error("an order was rejected");
  return result;
}

async function rowCounts(): Promise<unknown> {
  const { rows } = await sql`select (select count(*) from orders.orders) as orders,
    (select count(*) from orders.order_lines) as lines, (select count(*) from orders.outbox) as events,
    (select count(*) from orders.sagas) as sagas`.execute(queries);
  return rows[0];
}
