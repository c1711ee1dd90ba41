// What stays of a write that ends in the middle, and what becomes of those that were with it.

import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import { beforeEach, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { contradictions } from "./testing/audit.ts";
import { anotherProcess, inventoryFixture } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const patience = { timeout: 15_000, interval: 5 };
let beforeAppend: (transaction: Transaction<unknown>) => Promise<void>;
beforeEach(() => {
  beforeAppend = async () => {};
});

const fixture = await inventoryFixture({
  validated: false,
  events: (log): EventLog => ({
    ...log,
    async append(transaction, events) {
      await beforeAppend(transaction as Transaction<unknown>);
      await log.append(transaction, events);
    },
  }),
});
const { client, database } = fixture;
const { product, stock, reserve } = warehouse(client);
const other = await anotherProcess(fixture);

/** Statements that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ n: bigint }>`select count(*) as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(database.queries);
  return Number(rows[0]?.n);
}

/** Ends the connection of the transaction, as the death of its process or of the server would. */
async function cut(transaction: Transaction<unknown>): Promise<void> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
  await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(database.queries);
}

test("a process that dies after its last write and before the commit has done nothing, and a repeat does it", async () => {
  const productId = await product(10n);
  const before = await stock(productId);
  const items = [item(productId, 4n)];
  const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
  beforeAppend = cut;
  expect((await failure(client.reserveStock(request))).code).toBe(Code.UNAVAILABLE);
  expect(await stock(productId)).toEqual(before);
  beforeAppend = async () => {};
  const first = await client.reserveStock(request);
  expect(await client.reserveStock(request)).toEqual(first);
  expect(await stock(productId)).toMatchObject({ available: 6n, reserved: 4n });
});

test("a sweep that dies in the middle leaves the reservations to the next", async () => {
  const productId = await product(10n);
  await reserve([item(productId, 4n)], 10n);
  fixture.clock.advance(10_000);
  const { signal } = new AbortController();
  beforeAppend = cut;
  await expect(fixture.store.expireDue(10, signal)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await stock(productId)).toMatchObject({ available: 6n, reserved: 4n });
  beforeAppend = async () => {};
  expect(await fixture.store.expireDue(10, signal)).toBe(1);
  expect(await stock(productId)).toMatchObject({ available: 10n, reserved: 0n });
});

test("a command that the database refuses fails alone, and those of its group are done", async () => {
  const productId = await product(10n);
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  beforeAppend = async () => {
    beforeAppend = async () => {};
    begun.resolve();
    await held.promise;
  };
  const first = reserve([item(productId, 1n)]);
  await begun.promise;
  // These wait for the first, and then go together. Field rules, which are off here, would have refused the second.
  const group = [[item(productId, 2n)], [item("no uuid", 1n)], [item(productId, 3n)]].map((items) =>
    reserve(items),
  );
  const outcomes = Promise.allSettled(group);
  await expect.poll(() => fixture.server.openCalls, patience).toBe(4);
  held.resolve();
  await first;
  expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await stock(productId)).toMatchObject({ available: 4n, reserved: 6n });
});

test("a call that is cancelled ends its statement in the database", async () => {
  const productId = await product(10n);
  const release = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = database.queries.transaction().execute(async (transaction) => {
    await sql`select from inventory.stock where product_id = ${productId} for update`.execute(transaction);
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const abort = new AbortController();
  const items = [item(productId, 1n)];
  const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
  const call = failure(client.reserveStock(request, { signal: abort.signal }));
  await expect.poll(waiting, patience).toBe(1);
  abort.abort();
  expect((await call).code).toBe(Code.CANCELLED);
  await expect.poll(waiting, patience).toBe(0);
  release.resolve();
  await holder;
  expect(await stock(productId)).toMatchObject({ available: 10n });
});

test("a request that another process answers meanwhile is found by the insert of its record, and answered as a repeat", async () => {
  const productId = await product(10n);
  const items = [item(productId, 1n)];
  const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  beforeAppend = async () => {
    begun.resolve();
    await held.promise;
  };
  const first = client.reserveStock(request);
  await begun.promise;
  // It looks for a record, finds none yet, and waits for the lock of the product.
  const repeat = other.client.reserveStock(request);
  await expect.poll(waiting, patience).toBe(1);
  held.resolve();
  expect(await repeat).toEqual(await first);
  expect(await stock(productId)).toMatchObject({ available: 9n, reserved: 1n });
});

test("what is stored is what has happened", async () => {
  expect(await contradictions(fixture)).toEqual([]);
});
