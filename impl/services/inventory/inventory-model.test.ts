// Any sequence of writes against a model of a few numbers: every answer, every amount after every step, and at the end the events and
// the ledger. Time is the test's own.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { StockEvent, StockEventKind } from "#proto/ecommerce/v1/inventory.ts";
import { contradictions } from "./testing/audit.ts";
import { inventoryFixture } from "./testing/inventory-fixture.ts";
import { type Outcome, type Step, StockModel } from "./testing/stock-model.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const PRODUCTS = 2;
const fixture = await inventoryFixture();
const { client, clock, store, database } = fixture;
const { receive, adjust, threshold, reserve, commit, release } = warehouse(client);
const { signal } = new AbortController();

const product = fc.nat({ max: PRODUCTS - 1 });
const units = fc.array(fc.nat({ max: 6 }), { minLength: PRODUCTS, maxLength: PRODUCTS });
const reservation = fc.nat({ max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("receive" as const), units }) },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({
        do: fc.constant("adjust" as const),
        product,
        delta: fc.integer({ min: 1, max: 5 }),
        reason: fc.constantFrom(1 as const, 3 as const),
      }),
      fc.record({
        do: fc.constant("adjust" as const),
        product,
        delta: fc.integer({ min: -5, max: -1 }),
        reason: fc.constantFrom(1 as const, 2 as const),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("threshold" as const), product, units: fc.nat({ max: 5 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      units,
      seconds: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("commit" as const), reservation }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), reservation }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.integer({ min: 1, max: 2 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const) }) },
);

/** The service as the model sees it. */
class Service {
  readonly productIds = Array.from({ length: PRODUCTS }, () => randomUUID());
  readonly reservationIds: string[] = [];

  async take(step: Step): Promise<Outcome> {
    try {
      await this.#take(step);
      return "ok";
    } catch (error) {
      if (error instanceof CallError) return error.reason;
      throw error;
    }
  }

  async #take(step: Step): Promise<unknown> {
    switch (step.do) {
      case "receive":
        return await receive(...this.#items(step.units));
      case "adjust":
        return await adjust(this.#product(step.product), BigInt(step.delta), step.reason);
      case "threshold":
        return await threshold(this.#product(step.product), BigInt(step.units));
      case "reserve": {
        const { reservationId } = await reserve(this.#items(step.units), BigInt(step.seconds));
        return this.reservationIds.push(reservationId);
      }
      case "commit":
        return await commit(this.reservationIds[step.reservation] ?? "");
      case "release":
        return await release(this.reservationIds[step.reservation] ?? "");
      case "wait":
        return clock.advance(step.seconds * 1_000);
      case "sweep":
        return await store.expireDue(1_000, signal);
    }
  }

  async amounts(): Promise<unknown[]> {
    const stocks = await store.findAll(this.productIds, signal);
    return this.productIds.map((productId) => {
      const stock = stocks.find((each) => each.productId === productId);
      if (stock === undefined) return undefined;
      const { received, available, reserved, sold, lowStockThreshold } = stock;
      expect(available + reserved + sold).toBe(received);
      return [received, available, reserved, sold, lowStockThreshold].map(Number);
    });
  }

  async states(): Promise<unknown[]> {
    const found = this.reservationIds.map((id) => store.findReservation(id, signal));
    return (await Promise.all(found)).map((reservation) => reservation?.state);
  }

  /** Of one product, in their order. */
  async events(productId: string): Promise<StockEvent[]> {
    const { rows } = await sql<{ payload: Buffer }>`select payload from inventory.outbox
      where keys = ${[`product/${productId}`]} order by sequence`.execute(database.queries);
    return rows.map(({ payload }) => StockEvent.decode(payload));
  }

  #product(index: number): string {
    return this.productIds[index] ?? "";
  }

  #items(units: readonly number[]) {
    const items = units.map((count, index) => item(this.#product(index), BigInt(count)));
    return items.filter(({ quantity }) => quantity > 0n);
  }
}

test("any sequence of writes comes to what the model says, step by step", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 20 }), async (steps) => {
      const model = new StockModel(PRODUCTS);
      const service = new Service();
      for (const each of steps) {
        const expected = model.take(each);
        if (expected === undefined) continue;
        expect([each, await service.take(each)]).toEqual([each, expected]);
        const amounts = model.stocks.map((stock) => stock && Object.values(stock));
        expect([each, await service.amounts()]).toEqual([each, amounts]);
      }
      expect(await service.states()).toEqual(model.reservations.map(({ state }) => state));
      for (const [index, productId] of service.productIds.entries()) {
        await checkEvents(await service.events(productId), productId, model.low[index]);
      }
    }),
    { numRuns: 20 },
  );
  expect(await contradictions(fixture)).toEqual([]);
});

/** Each change is one event with the state after it; the last of them is what is stored. */
async function checkEvents(events: readonly StockEvent[], productId: string, low: number | undefined) {
  const isLow = ({ kind }: StockEvent): boolean => kind === StockEventKind.STOCK_EVENT_KIND_LOW;
  const changes = events.filter((event) => !isLow(event));
  expect(events.filter(isLow)).toHaveLength(low ?? 0);
  const [stored] = await store.findAll([productId], signal);
  expect(changes).toHaveLength(Number(stored?.version ?? 0n));
  const { available = 0n, reserved = 0n, sold = 0n } = changes.at(-1)?.stock ?? {};
  expect([available, reserved, sold]).toEqual([
    stored?.available ?? 0n,
    stored?.reserved ?? 0n,
    stored?.sold ?? 0n,
  ]);
}
