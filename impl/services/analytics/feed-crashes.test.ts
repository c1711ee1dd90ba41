import { sql } from "kysely";
import { expect, test } from "vitest";
import type { Database } from "#impl/storage/database.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { type Mortal, mortal } from "../order/testing/mortal.ts";
import { draft, minor, startOrders, take } from "../order/testing/order-fixture.ts";
import type { OrderClient } from "../order/testing/order-process.ts";
import { analyticsSchema } from "./analytics-tables.ts";
import type { Feed } from "./feed.ts";
import { followFeed } from "./feed-follower.ts";
import { occurrenceOf } from "./occurrence-event.ts";
import { createOccurrenceStore } from "./occurrence-store.ts";
import { orderFeed } from "./order-feed.ts";

// Orders that nobody works on: each is one event.
const orders = await startOrders({ works: false });
const lamp = await orders.shop.product(100_000n, 120n);
const database = await testDatabase<unknown>({ migrations: [analyticsSchema] });
const events = await testEventLog(database, "analytics");
const wish = await draft(orders.shop, [{ productId: lamp }]);

let placed = 0;

async function placeOne(): Promise<void> {
  placed += 1;
  await take(orders, wish);
}

/** Until it dies, or until all is counted, and again with another order. */
async function follow(seen: Database<unknown>, feed: Feed, life?: Mortal): Promise<void> {
  const stopped = new AbortController();
  const store = createOccurrenceStore({ database: seen, events });
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) await followFeed({ feed, store, batch: 200 }, stopped.signal);
  };
  const ended = loop().catch((error: unknown) => {
    if (!stopped.signal.aborted && life?.dead !== true) throw error;
  });
  const over = async (): Promise<boolean> => {
    if (life?.dead === true) return true;
    if (!(await begun())) await placeOne();
    return await isComplete();
  };
  await expect.poll(over, { timeout: 10_000, interval: 10 }).toBe(true);
  await placeOne();
  await expect.poll(over, { timeout: 10_000, interval: 10 }).toBe(true);
  stopped.abort();
  await ended;
}

async function begun(): Promise<boolean> {
  return (await createOccurrenceStore({ database, events }).place("orders")) !== undefined;
}

async function truth(): Promise<unknown> {
  const request = ListOrdersRequest.fromPartial({ pageSize: 500 });
  const { orders: all } = await orders.client.listOrders(request);
  const revenue = all.reduce((sum, { totals }) => sum + minor(totals?.total), 0n);
  return { orders: all.length, revenue, log: all.length, units: all.length };
}

async function counted(): Promise<unknown> {
  const { rows } = await sql<{ readonly metric: Metric; readonly total: bigint }>`
    select metric, sum(amount)::bigint as total from analytics.facts group by 1`.execute(database.queries);
  const of = (metric: Metric): bigint => rows.find((row) => row.metric === metric)?.total ?? 0n;
  return {
    orders: Number(of(Metric.METRIC_ORDERS)),
    revenue: of(Metric.METRIC_REVENUE),
    units: Number(of(Metric.METRIC_UNITS)),
    log: await logged(),
  };
}

/** Orders in the log from which streams are made. */
async function logged(): Promise<number> {
  const { rows } = await sql<{ readonly payload: Buffer }>`select payload from analytics.outbox`.execute(
    database.queries,
  );
  const facts = rows.flatMap(
    ({ payload }) => occurrenceOf({ payload, type: "", keys: [], position: 0n, time: 0 }).facts,
  );
  return facts.filter(({ metric }) => metric === Metric.METRIC_ORDERS).length;
}

/** Whether as many orders are counted as were placed; what else must be true is looked at when it is over. */
async function isComplete(): Promise<boolean> {
  const { rows } = await sql<{ readonly count: bigint }>`
    select count(*) from analytics.facts where metric = ${Metric.METRIC_ORDERS}`.execute(database.queries);
  return Number(rows[0]?.count) >= placed;
}

async function forget(): Promise<void> {
  await sql`truncate analytics.sources, analytics.occurrences, analytics.facts, analytics.outbox`.execute(
    database.queries,
  );
}

/** From the first moment to the first that never comes. */
async function atEveryMoment(feed: Feed, prepare: () => Promise<unknown>): Promise<number> {
  for (let moment = 1; ; moment += 1) {
    await prepare();
    const life = mortal(moment);
    await follow(life.database(database), feed, life);
    await follow(database, feed);
    expect(await counted()).toEqual(await truth());
    if (!life.dead) return moment;
  }
}

test("whoever goes on after a death at any moment of the first start counts each order once", {
  timeout: 60_000,
}, async () => {
  await placeOne();
  const moments = await atEveryMoment(orderFeed(orders.client), forget);
  expect(moments).toBeGreaterThan(12);
});

test("whoever goes on after a death at any moment of a start from a snapshot counts each order once", {
  timeout: 60_000,
}, async () => {
  const { resumeToken: token = "" } =
    (await createOccurrenceStore({ database, events }).place("orders")) ?? {};
  for (let n = 0; n < 3; n++) await placeOne();
  const head = await orders.process.events.head();
  await sql`delete from orders.outbox where position <= ${head}`.execute(orders.database.queries);
  await sql`update orders.outbox_head set purged_through = ${head}`.execute(orders.database.queries);
  // A process that has none of the events in memory.
  const late: OrderClient = (await orders.startProcess({ works: false })).client;
  const moments = await atEveryMoment(orderFeed(late), async () => {
    await sql`truncate analytics.occurrences, analytics.facts, analytics.outbox`.execute(database.queries);
    await sql`update analytics.sources set resume_token = ${token}`.execute(database.queries);
  });
  expect(moments).toBeGreaterThan(12);
});
