import { sql } from "kysely";
import { afterEach, describe, expect, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { openSessionLocks } from "#impl/storage/session-locks.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { CancelOrderRequest, ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { draft, minor, place, startOrders, status } from "../order/testing/order-fixture.ts";
import { analyticsSchema } from "./analytics-tables.ts";
import { readShopSums } from "./dashboard-reads.ts";
import { startFeedFollower } from "./feed-follower.ts";
import { occurrenceOf } from "./occurrence-event.ts";
import { createOccurrenceStore, PlaceMoved } from "./occurrence-store.ts";
import { orderFeed } from "./order-feed.ts";
import { paymentFeed } from "./payment-feed.ts";
import { order } from "./testing/happenings.ts";

const orders = await startOrders();
const { shop, client } = orders;
const lamp = await shop.product(100_000n, 120n);
const database = await testDatabase<unknown>({ migrations: [analyticsSchema] });
const events = await testEventLog(database, "analytics");
const feeds = [orderFeed(client), paymentFeed(shop.payments.client)];
const DECLINED = "4000000000009995";

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
});

/** As a process does it. */
function startProcess(): void {
  const locks = openSessionLocks({ url: database.url, log: silentLog });
  const store = createOccurrenceStore({ database, events });
  const options = { store, locks, clock: systemClock, log: recordingLogger([]), pauseMs: 20 };
  const followers = feeds.map((feed) => startFeedFollower({ ...options, feed }));
  running.push({
    async stop() {
      await Promise.all(followers.map((each) => each.stop()));
      await locks.close();
    },
  });
}

async function buy(quantity = 1n, card?: string) {
  const payment = card === undefined ? {} : { paymentMethodToken: await shop.token(card) };
  return await place(orders, await draft(shop, [{ productId: lamp, quantity }], payment));
}

/** What the services say themselves. */
async function truth(): Promise<Record<string, bigint>> {
  const all = (await client.listOrders(ListOrdersRequest.fromPartial({ pageSize: 500 }))).orders;
  const failed = ["CANCELLED", "PAYMENT_FAILED", "OUT_OF_STOCK", "FAILED"];
  const sum = (amounts: bigint[]): bigint => amounts.reduce((one, other) => one + other, 0n);
  return withoutZeros({
    [Metric.METRIC_ORDERS]: BigInt(all.length),
    [Metric.METRIC_REVENUE]: sum(all.map(({ totals }) => minor(totals?.total))),
    [Metric.METRIC_UNITS]: sum(all.flatMap(({ lines }) => lines.map(({ quantity }) => quantity))),
    [Metric.METRIC_FAILED_ORDERS]: BigInt(all.filter((order) => failed.includes(status(order))).length),
    [Metric.METRIC_CAPTURED]: sum(all.map(({ totals }) => minor(totals?.captured))),
    [Metric.METRIC_REFUNDED]: sum(all.map(({ totals }) => minor(totals?.refunded))),
    [Metric.METRIC_DECLINED_PAYMENTS]: BigInt(
      all.filter((order) => status(order) === "PAYMENT_FAILED").length,
    ),
  });
}

const EVER = { start: 0, end: 4_102_444_800_000 };

async function counted(): Promise<Record<string, bigint>> {
  const sums = await readShopSums(database, EVER, EVER.end, "", AbortSignal.timeout(5_000));
  return Object.fromEntries(sums.map(({ metric, amount }) => [metric, amount]));
}

/** What streams of figures are made from. */
async function logged(): Promise<Record<string, bigint>> {
  const head = await events.head();
  const reading = events.subscribe({ after: 0n, signal: AbortSignal.timeout(5_000) });
  const sums: Record<string, bigint> = {};
  while (reading.position < head) {
    const event = await reading.next(100);
    for (const { metric, amount } of event === undefined ? [] : occurrenceOf(event).facts)
      sums[metric] = (sums[metric] ?? 0n) + amount;
  }
  reading.close();
  return sums;
}

function withoutZeros(sums: Record<string, bigint>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(sums).filter(([, amount]) => amount !== 0n));
}

async function untilExact(): Promise<void> {
  const expected = await truth();
  await expect.poll(counted, { timeout: 10_000, interval: 20 }).toEqual(expected);
  expect(await logged()).toEqual(expected);
}

describe("what is counted of orders and payments", () => {
  test("is what the services say, of what was before and of what comes", async () => {
    await buy(2n);
    const { orderId } = await buy(1n);
    await client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
    startProcess();
    startProcess();
    await untilExact();
    await buy(3n);
    await buy(1n, DECLINED);
    await untilExact();
    expect(Object.keys(await counted()).length).toBe(7);
  });

  test("is the same when it is told again from the beginning", async () => {
    await sql`delete from analytics.sources`.execute(database.queries);
    await buy(1n);
    startProcess();
    await untilExact();
  });
});

describe("of two who follow the same source", () => {
  test("the one that is behind is refused, and counts nothing", async () => {
    const store = createOccurrenceStore({ database, events });
    const from = present(await store.place("orders"));
    const next = { resumeToken: "elsewhere", listed: true };
    await store.step("orders", from, { occurrences: [], place: next, through: undefined });
    const before = await counted();
    const late = store.step("orders", from, { occurrences: [order(0, 1n)], place: from, through: undefined });
    await expect(late).rejects.toBeInstanceOf(PlaceMoved);
    expect(await counted()).toEqual(before);
    await store.step("orders", next, { occurrences: [], place: from, through: undefined });
  });
});
