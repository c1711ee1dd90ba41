import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { afterEach, describe, expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import {
  AdjustmentReason,
  type StockEvent,
  StockEventKind,
  WatchStockRequest,
  type WatchStockResponse,
} from "#proto/ecommerce/v1/inventory.ts";
import { anotherProcess, inventoryFixture, type Process } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const fixture = await inventoryFixture();
const other = await anotherProcess(fixture);
const { client, clock, database } = fixture;
const { receive, product, stock, threshold, reserve, commit, release, adjust } = warehouse(client);
const {
  STOCK_EVENT_KIND_SNAPSHOT: snapshot,
  STOCK_EVENT_KIND_RECEIVED: received,
  STOCK_EVENT_KIND_ADJUSTED: adjusted,
  STOCK_EVENT_KIND_RESERVED: reserved,
  STOCK_EVENT_KIND_COMMITTED: committed,
  STOCK_EVENT_KIND_RELEASED: released,
  STOCK_EVENT_KIND_EXPIRED: expired,
  STOCK_EVENT_KIND_LOW: low,
  STOCK_EVENT_KIND_THRESHOLD: thresholdSet,
} = StockEventKind;

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** Resolves when the stream has begun or failed: what is written now is part of it. */
async function watch(request: Partial<WatchStockRequest>, { client, calls }: Process = fixture) {
  const place = calls.length;
  // No heartbeat comes between updates, however slow the machine.
  const heartbeatInterval = { seconds: 300n, nanos: 0 };
  const full = WatchStockRequest.fromPartial({ heartbeatInterval, ...request });
  const messages = client.watchStock(full, { signal: stop.signal })[Symbol.asyncIterator]();
  await until(() => calls[place]?.resumeToken !== undefined || calls[place]?.finished === true);
  const next = async (): Promise<WatchStockResponse> => {
    const { done, value } = await messages.next();
    if (done) throw new Error("the stream has ended");
    return value;
  };
  return {
    next,
    /** Where it began. */
    token: calls[place]?.resumeToken ?? "",
    /** The next `count` messages, all of them updates. */
    async take(count: number): Promise<{ readonly update: StockEvent; readonly token: string }[]> {
      const taken: { update: StockEvent; token: string }[] = [];
      while (taken.length < count) {
        const { event, resumeToken } = await next();
        if (event?.$case !== "update") throw new Error("a heartbeat came in place of an update");
        taken.push({ update: event.value, token: resumeToken });
      }
      return taken;
    },
  };
}

/** Deletes the events that are there. */
async function forgetEvents(): Promise<void> {
  const head = await fixture.events.head();
  await sql`delete from inventory.outbox where position <= ${head}`.execute(database.queries);
  await sql`update inventory.outbox_head set purged_through = ${head}`.execute(database.queries);
}

/**
 * The snapshot token that a stream with these arguments gets instead of events that are no longer kept. `late` has none of them in
 * memory.
 */
async function snapshotToken(
  request: Partial<WatchStockRequest>,
  late: Process,
  change: () => Promise<unknown>,
): Promise<string> {
  const { token: resumeToken } = await watch(request);
  await change();
  await forgetEvents();
  const error = await failure((await watch({ ...request, resumeToken }, late)).next());
  expect(error.code).toBe(Code.OUT_OF_RANGE);
  return present(error.details.resumeExpired).snapshotToken;
}

const kindsOf = (taken: readonly { readonly update: StockEvent }[]) => taken.map(({ update }) => update.kind);

describe("WatchStock", () => {
  test("tells every change of a product with the stock after it, and nothing of others", async () => {
    const [productId, another] = [await product(10n), await product(10n)];
    const stream = await watch({ productIds: [productId.toUpperCase()] });
    await receive(item(another, 1n), item(productId, 5n));
    await adjust(productId, -2n, AdjustmentReason.ADJUSTMENT_REASON_LOSS);
    const sold = await reserve([item(another, 1n), item(productId, 3n)]);
    await commit(sold.reservationId);
    const freed = await reserve([item(productId, 4n)]);
    await release(freed.reservationId);
    const late = await reserve([item(productId, 1n)], 5n);
    clock.advance(5_000);
    await fixture.store.expireDue(100, stop.signal);
    await threshold(productId, 2n);
    const taken = await stream.take(9);
    expect(
      taken.map(({ update: { kind, quantity, reservationId, stock: after } }) => [
        kind,
        quantity,
        reservationId,
        [after?.available, after?.reserved, after?.sold],
      ]),
    ).toEqual([
      [received, 5n, "", [15n, 0n, 0n]],
      [adjusted, -2n, "", [13n, 0n, 0n]],
      [reserved, 3n, sold.reservationId, [10n, 3n, 0n]],
      [committed, 3n, sold.reservationId, [10n, 0n, 3n]],
      [reserved, 4n, freed.reservationId, [6n, 4n, 3n]],
      [released, 4n, freed.reservationId, [10n, 0n, 3n]],
      [reserved, 1n, late.reservationId, [9n, 1n, 3n]],
      [expired, 1n, late.reservationId, [10n, 0n, 3n]],
      [thresholdSet, 0n, "", [10n, 0n, 3n]],
    ]);
    expect(taken.at(-1)?.update.stock).toEqual(await stock(productId));
    expect(taken[2]?.update.orderId).toBe(sold.orderId);
    expect(taken.every(({ update }) => update.eventTime !== undefined)).toBe(true);
  });

  test("says once that a product is low, and again when it has been above", async () => {
    const productId = await product(10n);
    await threshold(productId, 4n);
    const stream = await watch({ productIds: [productId], kinds: [low] });
    const first = await reserve([item(productId, 6n)]);
    await reserve([item(productId, 2n)]);
    await release(first.reservationId);
    await adjust(productId, -5n, AdjustmentReason.ADJUSTMENT_REASON_COUNT);
    await threshold(productId, 0n);
    await threshold(productId, 3n);
    const taken = await stream.take(3);
    expect(taken.map(({ update }) => [update.kind, update.quantity, update.stock?.available])).toEqual([
      [low, 0n, 4n],
      [low, 0n, 3n],
      [low, 0n, 3n],
    ]);
  });

  test("tells of changes by another process, in the order of one product", async () => {
    const productId = await product(100n);
    const stream = await watch({ productIds: [productId] }, other);
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        warehouse(n % 2 === 0 ? client : other.client).reserve([item(productId, 1n)]),
      ),
    );
    const left = (await stream.take(20)).map(({ update }) => update.stock?.available);
    expect(left).toEqual(Array.from({ length: 20 }, (_, n) => BigInt(99 - n)));
  });

  test("goes on after a token, in any process, with no gap and no repeat", async () => {
    const productId = await product(10n);
    const stream = await watch({ productIds: [productId] });
    for (let n = 0; n < 4; n++) await reserve([item(productId, 1n)]);
    const taken = await stream.take(2);
    const resumeToken = taken[1]?.token ?? "";
    const resumed = await watch({ productIds: [productId], resumeToken }, other);
    await commit((await reserve([item(productId, 1n)])).reservationId);
    const rest = await resumed.take(4);
    expect(kindsOf(rest)).toEqual([reserved, reserved, reserved, committed]);
    expect(rest[0]?.update.stock?.available).toBe(7n);
  });

  test("refuses a token that was given for other arguments", async () => {
    const { token: resumeToken } = await watch({ productIds: [randomUUID()] });
    const stranger = await watch({ productIds: [randomUUID()], resumeToken });
    expect(await failure(stranger.next())).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("refuses a kind twice and one that is none", async () => {
    const kinds = [low, low];
    expect(await failure((await watch({ kinds })).next())).toMatchObject({ code: Code.INVALID_ARGUMENT });
    const none = [StockEventKind.STOCK_EVENT_KIND_UNSPECIFIED];
    expect(await failure((await watch({ kinds: none })).next())).toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
  });
});

describe("WatchStock in a process that has just begun", async () => {
  const processes = [
    await anotherProcess(fixture),
    await anotherProcess(fixture),
    await anotherProcess(fixture),
  ];

  test("begins with the present state after a snapshot token", async () => {
    const late = present(processes[0]);
    const [one, two] = [await product(3n), await product(4n)];
    const request = { productIds: [one, two, randomUUID()] };
    const resumeToken = await snapshotToken(request, late, () => receive(item(one, 1n)));
    const stream = await watch({ ...request, resumeToken }, late);
    const taken = await stream.take(2);
    expect(kindsOf(taken)).toEqual([snapshot, snapshot]);
    const stocks = taken.map(({ update }) => update.stock);
    expect(stocks).toEqual(expect.arrayContaining([await stock(one), await stock(two)]));
    await reserve([item(two, 1n)]);
    expect(kindsOf(await stream.take(1))).toEqual([reserved]);
  });

  test("leaves a snapshot out whose kind is not asked for", async () => {
    const late = present(processes[1]);
    const productId = await product(3n);
    const request = { productIds: [productId], kinds: [reserved] };
    const resumeToken = await snapshotToken(request, late, () => receive(item(productId, 1n)));
    const stream = await watch({ ...request, resumeToken }, late);
    await reserve([item(productId, 1n)]);
    expect(kindsOf(await stream.take(1))).toEqual([reserved]);
  });

  test("without products follows all of them, and its snapshot has each of them once", async () => {
    const late = present(processes[2]);
    const resumeToken = await snapshotToken({}, late, () => product(1n));
    const { rows } = await sql<{ product_id: string }>`
      insert into inventory.stock (product_id, received, available, reserved, sold, update_time)
      select gen_random_uuid(), 1, 1, 0, 0, now() from generate_series(1, 1200)
      returning product_id`.execute(database.queries);
    const stream = await watch({ resumeToken }, late);
    const taken = await stream.take(rows.length);
    const ids = new Set(taken.map(({ update }) => update.stock?.productId));
    expect(ids.size).toBe(rows.length);
    expect(new Set(kindsOf(taken))).toEqual(new Set([snapshot]));
  });
});
