import { sql } from "kysely";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Repeated } from "#impl/runtime/repeat.ts";
import { type LogLine, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { ReservationState } from "#proto/ecommerce/v1/inventory.ts";
import { startSweeper } from "../shared/sweeper.ts";
import type { InventoryStore } from "./inventory-store.ts";
import { contradictions } from "./testing/audit.ts";
import { anotherProcess, inventoryFixture } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const { RESERVATION_STATE_EXPIRED: expired, RESERVATION_STATE_HELD: held } = ReservationState;
const fixture = await inventoryFixture();
const other = await anotherProcess(fixture);
const { clock } = fixture;
const { product, reserve, reservation, stock } = warehouse(fixture.client);
const { signal } = new AbortController();
const patience = { timeout: 15_000, interval: 5 };

const lines: LogLine[] = [];
const sweepers: Repeated[] = [];
afterEach(async () => {
  await Promise.all(sweepers.splice(0).map((sweeper) => sweeper.stop()));
});

function start(store: Pick<InventoryStore, "expireDue">): void {
  const log = recordingLogger(lines);
  sweepers.push(
    startSweeper({ name: "expire reservations", store, clock: systemClock, log, everyMs: 1, batchSize: 3 }),
  );
}

/** A store that counts what it has ended. */
function counting({ expireDue }: InventoryStore) {
  const counts = { ended: 0 };
  return {
    counts,
    async expireDue(limit: number, until: AbortSignal): Promise<number> {
      const ended = await expireDue(limit, until);
      counts.ended += ended;
      return ended;
    },
  };
}

test("two sweepers end every reservation that is due once, and no other", async () => {
  const [a, b] = [await product(100n), await product(100n)];
  const due = await Promise.all(
    Array.from({ length: 25 }, (_, n) => reserve([item(a, 1n), item(b, 2n)].slice(n % 2), 10n)),
  );
  const longer = await reserve([item(a, 5n)], 60n);
  clock.advance(10_000);
  const stores = [counting(fixture.store), counting(other.store)];
  for (const store of stores) start(store);
  await expect.poll(async () => (await stock(b)).reserved, patience).toBe(0n);
  expect(stores.reduce((sum, { counts }) => sum + counts.ended, 0)).toBe(25);
  for (const { reservationId } of due) {
    expect(await reservation(reservationId)).toMatchObject({
      state: expired,
      updateTime: new Date(clock.now()),
    });
  }
  expect((await reservation(longer.reservationId)).state).toBe(held);
  expect(await stock(a)).toMatchObject({ available: 95n, reserved: 5n });
  expect(await contradictions(fixture)).toEqual([]);
});

test("what somebody else has locked is left to him, and the rest is ended without waiting", async () => {
  const productId = await product(10n);
  const [locked, free] = [
    await reserve([item(productId, 1n)], 10n),
    await reserve([item(productId, 2n)], 10n),
  ];
  clock.advance(10_000);
  await fixture.database.queries.transaction().execute(async (transaction) => {
    await sql`select from inventory.reservations where reservation_id = ${locked.reservationId}
      for update`.execute(transaction);
    expect(await fixture.store.expireDue(10, signal)).toBe(1);
  });
  expect((await reservation(free.reservationId)).state).toBe(expired);
  expect((await reservation(locked.reservationId)).state).toBe(held);
  expect(await fixture.store.expireDue(10, signal)).toBe(1);
  expect(await stock(productId)).toMatchObject({ available: 10n, reserved: 0n });
});

test("a sweep that fails is tried again", async () => {
  const productId = await product(10n);
  await reserve([item(productId, 1n)], 10n);
  clock.advance(10_000);
  let failures = 2;
  start({
    async expireDue(limit, until) {
      if (failures-- > 0) throw new Error("the database is away");
      return await fixture.store.expireDue(limit, until);
    },
  });
  await expect.poll(async () => (await stock(productId)).reserved, patience).toBe(0n);
  expect(lines.filter(({ level }) => level === "warn")).toHaveLength(2);
});
