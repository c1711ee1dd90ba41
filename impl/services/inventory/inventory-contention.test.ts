// Two processes on one database, and many more callers than stock.
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { contradictions } from "./testing/audit.ts";
import { anotherProcess, inventoryFixture } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

// Small groups, so that there are many transactions at the same time.
const writeLimits = { lanes: 4, maxCommands: 4 };
const fixture = await inventoryFixture({ writeLimits });
const other = await anotherProcess(fixture, { writeLimits });
const [here, there] = [warehouse(fixture.client), warehouse(other.client)];
const { database } = fixture;

/** Alternates between the processes. */
const shop = (n: number) => (n % 2 === 0 ? here : there);

async function deadlocks(): Promise<bigint> {
  const { rows } = await sql<{ n: bigint }>`select deadlocks as n from pg_stat_database
    where datname = current_database()`.execute(database.queries);
  return rows[0]?.n ?? 0n;
}

test("far more demand than stock sells all of it and no more", async () => {
  const productId = await here.product(60n);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 200 }, (_, n) => shop(n).reserve([item(productId, 1n)])),
  );
  const granted = outcomes.filter(({ status }) => status === "fulfilled").length;
  expect(granted).toBe(60);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      expect(outcome.reason).toMatchObject({
        code: Code.FAILED_PRECONDITION,
        reason: "INSUFFICIENT_STOCK",
      });
    }
  }
  expect(await here.stock(productId)).toMatchObject({
    received: 60n,
    available: 0n,
    reserved: 60n,
    sold: 0n,
  });
});

test("orders of the same products in any order wait for each other and never lock each other out", async () => {
  const products = await Promise.all(Array.from({ length: 6 }, () => here.product(1_000n)));
  const before = await deadlocks();
  const lives = Array.from({ length: 60 }, async (_, n) => {
    const rotated = products.map((_, i) => products[(i * (n % 2 === 0 ? 1 : 5) + n) % 6] ?? "");
    const items = rotated.slice(0, 4).map((productId) => item(productId, 1n));
    const { reservationId } = await shop(n).reserve(items);
    // By the other process than the one that made it.
    const { commit, release } = shop(n + 1);
    await (n % 3 === 0 ? release : commit)(reservationId);
  });
  const deliveries = products.map((productId, n) => shop(n).receive(item(productId, 1n)));
  await Promise.all([...lives, ...deliveries]);
  expect(await deadlocks()).toBe(before);
  const stocks = await Promise.all(products.map((productId) => there.stock(productId)));
  expect(stocks.reduce((sum, { sold }) => sum + sold, 0n)).toBe(40n * 4n);
  expect(stocks.every(({ received, reserved }) => received === 1_001n && reserved === 0n)).toBe(true);
});

test("a repeat that reaches another process at the same time has no second effect", async () => {
  const productId = await here.product(100n);
  const requests = Array.from({ length: 10 }, () => {
    const items = [item(productId, 1n)];
    return { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
  });
  const answers = await Promise.all(
    requests.map((request) =>
      Promise.all([fixture, other, fixture, other].map(({ client }) => client.reserveStock(request))),
    ),
  );
  for (const [first, ...repeats] of answers) for (const repeat of repeats) expect(repeat).toEqual(first);
  expect(await here.stock(productId)).toMatchObject({ available: 90n, reserved: 10n });
});

test("a product that several processes receive for the first time is there once, with all of it", async () => {
  const productIds = Array.from({ length: 5 }, () => randomUUID());
  const deliveries = Array.from({ length: 12 }, (_, n) => {
    const turned = n % 2 === 0 ? productIds : productIds.toReversed();
    return shop(n).receive(...turned.map((productId) => item(productId, 2n)));
  });
  await Promise.all(deliveries);
  for (const productId of productIds) {
    expect(await here.stock(productId)).toMatchObject({ received: 24n, available: 24n });
  }
});

test("no writer can sell what is not there, whatever its code believes", async () => {
  const productId = await here.product(1n);
  const write = (change: string) =>
    sql`update inventory.stock set ${sql.raw(change)} where product_id = ${productId}`.execute(
      database.queries,
    );
  for (const change of [
    "available = available - 2, reserved = reserved + 2",
    "sold = sold + 1",
    "received = received - 2, available = available - 2",
    "reserved = -1, available = 2",
  ]) {
    await expect(write(change)).rejects.toMatchObject({ code: "CHECK_VIOLATION" });
  }
});

test("what is stored is what has happened", async () => {
  expect(await contradictions(fixture)).toEqual([]);
});
