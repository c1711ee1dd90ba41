import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, refusals, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { AdjustmentReason } from "#proto/ecommerce/v1/inventory.ts";
import { contradictions } from "./testing/audit.ts";
import { inventoryFixture } from "./testing/inventory-fixture.ts";
import { item, warehouse } from "./testing/warehouse.ts";

const fixture = await inventoryFixture();
const { client, database, clock } = fixture;
const { receive, product, stock, threshold, reserve, commit, adjust } = warehouse(client);
const {
  ADJUSTMENT_REASON_COUNT: count,
  ADJUSTMENT_REASON_LOSS: loss,
  ADJUSTMENT_REASON_RETURN: returned,
} = AdjustmentReason;
const unknown = randomUUID();

/** A product of which so many were received as no test has the time to: a delivery larger than a call can be. */
async function fullProduct(units: bigint): Promise<string> {
  const productId = await product(1n);
  const more = units - 1n;
  await sql`with filled as (
      update inventory.stock set received = ${units}, available = ${units} where product_id = ${productId}
    )
    insert into inventory.movements (product_id, version, quantity, note, moved_at)
    values (${productId}, 0, ${more}, '', now())`.execute(database.queries);
  return productId;
}
const limit = 1_000_000_000_000_000n;

describe("ReceiveStock", () => {
  test("adds to what is there, for products that are known and new, in the order of the request", async () => {
    const known = await product(5n);
    const fresh = randomUUID();
    clock.advance(1_000);
    const stocks = await receive(item(known, 2n), item(fresh, 7n));
    expect(stocks).toEqual([
      {
        productId: known,
        received: 7n,
        available: 7n,
        reserved: 0n,
        sold: 0n,
        lowStockThreshold: 0n,
        etag: expect.stringMatching(/./),
        updateTime: new Date(clock.now()),
      },
      expect.objectContaining({ productId: fresh, received: 7n, available: 7n }),
    ]);
    expect(await stock(known)).toEqual(stocks[0]);
    expect(await stock(fresh)).toEqual(stocks[1]);
  });

  test("sums what is named in two spellings", async () => {
    const productId = randomUUID();
    const stocks = await receive(item(productId.toUpperCase(), 2n), item(productId, 3n));
    expect(stocks).toHaveLength(2);
    for (const each of stocks) expect(each).toMatchObject({ productId, received: 5n });
  });

  test("with one request id has one effect and one answer, also when sent at the same time", async () => {
    const productId = randomUUID();
    const request = { items: [item(productId, 3n)], reference: "D-1", requestId: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.receiveStock(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    await receive(item(productId, 1n));
    const again = { ...request, requestId: request.requestId.toUpperCase() };
    expect(await client.receiveStock(again)).toEqual(answers[0]);
    expect(await stock(productId)).toMatchObject({ received: 4n });
    expect(await failure(client.receiveStock({ ...request, reference: "D-2" }))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
    });
  });

  test("over the limit of one product receives nothing of any", async () => {
    const [full, other] = [await fullProduct(limit - 5n), await product(1n)];
    const error = await failure(receive(item(other, 1n), item(full, 6n)));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "STOCK_LIMIT" });
    expect(refusals(error)).toEqual([
      `STOCK_LIMIT ${full}: would have received 1000000000000001 in all, at most 1000000000000000`,
    ]);
    expect(await stock(other)).toMatchObject({ received: 1n });
    expect(await receive(item(full, 5n))).toMatchObject([{ received: limit }]);
  });

  test.each([
    [[], "", "items: repeated.min_items"],
    [[item(unknown, 0n)], "", "items[0].quantity: int64.gte_lte"],
    [[item(unknown, 1_000_000_001n)], "", "items[0].quantity: int64.gte_lte"],
    [[item("apple", 1n)], "", "items[0].product_id: string.uuid"],
    [[item(unknown, 1n), item(unknown, 1n)], "", "items: stock_items.products_unique"],
    [[item(unknown, 1n)], "a\0b", "reference: text.nul"],
  ])("refuses %o with the reference %o by %s", async (items, reference, violation) => {
    const error = await failure(client.receiveStock({ items, reference, requestId: randomUUID() }));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toContain(violation);
  });

  test("without a request id is refused", async () => {
    const request = { items: [item(unknown, 1n)], reference: "", requestId: "" };
    expect(violations(await failure(client.receiveStock(request)))).toEqual([
      "request_id: string.uuid_empty",
    ]);
  });
});

describe("AdjustStock", () => {
  test("counts up and down, and loses, from what is available", async () => {
    const productId = await product(10n);
    expect(await adjust(productId, 5n, count)).toMatchObject({ received: 15n, available: 15n });
    expect(await adjust(productId, -2n, count)).toMatchObject({ received: 13n, available: 13n });
    expect(await adjust(productId, -13n, loss)).toMatchObject({ received: 0n, available: 0n });
  });

  test("takes nothing of what is reserved or sold", async () => {
    const productId = await product(10n);
    await reserve([item(productId, 4n)]);
    await commit((await reserve([item(productId, 3n)])).reservationId);
    const error = await failure(adjust(productId, -4n, loss));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INSUFFICIENT_STOCK" });
    expect(refusals(error)).toEqual([`INSUFFICIENT_STOCK ${productId}: requested 4, available 3`]);
    expect(await adjust(productId, -3n, loss)).toMatchObject({
      received: 7n,
      available: 0n,
      reserved: 4n,
      sold: 3n,
    });
  });

  test("takes back no more than was sold", async () => {
    const productId = await product(10n);
    await commit((await reserve([item(productId, 3n)])).reservationId);
    expect(await adjust(productId, 2n, returned)).toMatchObject({ received: 10n, available: 9n, sold: 1n });
    const error = await failure(adjust(productId, 2n, returned));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "RETURN_EXCEEDS_SOLD" });
    expect(refusals(error)).toEqual([`RETURN_EXCEEDS_SOLD ${productId}: returned 2, sold 1`]);
  });

  test("stays within the limit", async () => {
    const productId = await fullProduct(limit);
    expect(await failure(adjust(productId, 1n, count))).toMatchObject({ reason: "STOCK_LIMIT" });
  });

  test("with one etag is done by exactly one of many at the same time", async () => {
    const productId = await product(10n);
    const { etag } = await stock(productId);
    const outcomes = await Promise.allSettled(
      [1n, 2n, 3n, 4n].map((by) => adjust(productId, by, count, etag)),
    );
    const failures = outcomes.filter(({ status }) => status === "rejected");
    expect(failures).toHaveLength(3);
    for (const outcome of failures) {
      expect(outcome).toMatchObject({ reason: { code: Code.ABORTED, reason: "ETAG_MISMATCH" } });
    }
  });

  test("with one request id has one effect and one answer", async () => {
    const productId = await product(10n);
    const request = {
      productId,
      delta: -1n,
      reason: loss,
      note: "fell",
      etag: (await stock(productId)).etag,
      requestId: randomUUID(),
    };
    const first = await client.adjustStock(request);
    expect(await client.adjustStock(request)).toEqual(first);
    expect(await stock(productId)).toEqual(first.stock);
    expect(await failure(client.adjustStock({ ...request, delta: -2n }))).toMatchObject({
      code: Code.ALREADY_EXISTS,
    });
  });

  test("of a product that was never received is NOT_FOUND", async () => {
    expect(await failure(adjust(unknown, 1n, count))).toMatchObject({ code: Code.NOT_FOUND });
  });

  test.each([
    [1n, loss, ": adjust_stock.direction"],
    [-1n, returned, ": adjust_stock.direction"],
    [0n, count, "delta: int64.not_in"],
    [1_000_000_001n, count, "delta: int64.gte_lte"],
    [1n, AdjustmentReason.ADJUSTMENT_REASON_UNSPECIFIED, "reason: enum.not_in"],
  ])("refuses %o for the reason %o by %s", async (delta, reason, violation) => {
    const error = await failure(adjust(unknown, delta, reason));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toContain(violation);
  });
});

describe("SetLowStockThreshold", () => {
  test("changes the stock once", async () => {
    const productId = await product(10n);
    const before = await stock(productId);
    const after = await threshold(productId, 4n);
    expect(after).toMatchObject({ available: 10n, lowStockThreshold: 4n });
    expect(after.etag).not.toBe(before.etag);
    expect(await threshold(productId, 4n)).toEqual(after);
    expect(await stock(productId)).toEqual(after);
  });

  test("of a product that was never received is NOT_FOUND, and outlives what happens to the stock", async () => {
    expect(await failure(threshold(unknown, 4n))).toMatchObject({ code: Code.NOT_FOUND });
    const productId = await product(10n);
    await threshold(productId, 4n);
    expect(await receive(item(productId, 1n))).toMatchObject([{ lowStockThreshold: 4n }]);
  });
});

describe("GetStock and BatchGetStock", () => {
  test("of a product that was never received say NOT_FOUND, naming it", async () => {
    const error = await failure(stock(unknown));
    expect(error).toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
    expect(error.details.resourceInfo).toMatchObject({ resourceName: unknown });
    const known = await product(1n);
    const productIds = [known.toUpperCase(), unknown];
    const { results } = await client.batchGetStock({ productIds });
    expect(results).toEqual([
      { productId: productIds[0], result: { $case: "stock", value: await stock(known) } },
      {
        productId: unknown,
        result: {
          $case: "error",
          value: expect.objectContaining({ code: Code.NOT_FOUND, message: `Stock ${unknown} not found` }),
        },
      },
    ]);
  });

  test("are one statement each", async () => {
    const productId = await product(1n);
    const before = database.statements();
    await stock(productId);
    await client.batchGetStock({ productIds: [productId, unknown] });
    expect(database.statements() - before).toBe(2);
  });
});

test("a refused write leaves no trace of a product that was never received", async () => {
  const full = await fullProduct(limit);
  const fresh = randomUUID();
  expect(await failure(receive(item(fresh, 1n), item(full, 1n)))).toMatchObject({ reason: "STOCK_LIMIT" });
  expect((await failure(stock(fresh))).code).toBe(Code.NOT_FOUND);
});

test("every delivery and correction is on record with its reason", async () => {
  const productId = randomUUID();
  await client.receiveStock({ items: [item(productId, 9n)], reference: "D-7", requestId: randomUUID() });
  const correction = {
    productId,
    delta: -2n,
    reason: loss,
    note: "fell off",
    etag: "",
    requestId: randomUUID(),
  };
  await client.adjustStock(correction);
  const { rows } = await sql`select version, reason, quantity, note, moved_by from inventory.movements
    where product_id = ${productId} order by version`.execute(database.queries);
  expect(rows).toEqual([
    { version: 1n, reason: null, quantity: 9n, note: "D-7", moved_by: null },
    { version: 2n, reason: loss, quantity: -2n, note: "fell off", moved_by: null },
  ]);
});

test("what is stored is what has happened", async () => {
  expect(await contradictions(fixture)).toEqual([]);
});
