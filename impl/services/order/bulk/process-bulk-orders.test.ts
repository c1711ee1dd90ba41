import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  BulkAtomicity,
  BulkJobState,
  type ProcessBulkOrdersResponse,
} from "#proto/ecommerce/v1/order_bulk.ts";
import { create, pounds } from "../../product/testing/product-fixture.ts";
import { as, bulkFixture, jobCounts, SOON, storedOrders } from "./testing/bulk-fixture.ts";
import { header, lamps, manyLamps, orderAt } from "./testing/bulk-requests.ts";

const shop = await bulkFixture({ limits: { batchLines: 8, listedRejections: 12 }, takeoverWaitMs: 100 });
const { client, productId, database } = shop;
const { BULK_ATOMICITY_PER_BATCH } = BulkAtomicity;
const perBatch = { atomicity: BULK_ATOMICITY_PER_BATCH };
const positions = async (jobId: string) => (await storedOrders(shop, jobId)).map(({ position }) => position);
const rejections = ({ rejections: all }: ProcessBulkOrdersResponse) =>
  all.map(({ position, reason, field }) => [Number(position), reason, field]);
const rejectedCount = async (jobId: string) => (await jobCounts(shop, jobId))?.rejected;
const invalid = (position: number) => lamps(productId, position, { lines: [] });

describe("a bulk job", () => {
  test("stores every order with its place, its events and its saga, and is then processing", async () => {
    const job = header();
    const before = shop.wakes();
    const answer = await client.processBulkOrders([job, ...manyLamps(productId, 10)]);
    expect(answer).toMatchObject({ skippedCount: 0n, rejections: [] });
    expect(answer.job).toMatchObject({
      jobId: job.jobId,
      state: BulkJobState.BULK_JOB_STATE_PROCESSING,
      batchSize: 3,
      receivedCount: 10n,
      acceptedCount: 10n,
      rejectedCount: 0n,
      succeededCount: 0n,
      nextPosition: 10n,
      completeTime: undefined,
    });
    const stored = await storedOrders(shop, job.jobId);
    expect(stored).toEqual(
      Array.from({ length: 10 }, (_, n) => ({ position: n, reference: `order ${n}`, lines: 1 })),
    );
    const { rows } = await sql`
      select (select count(*) from orders.sagas join orders.orders using (order_id) where bulk_job_id = ${job.jobId}) as sagas,
        (select count(*) from orders.outbox where keys @> ${[`bulk/${job.jobId}`]}::text[]) as events`.execute(
      database.queries,
    );
    expect(rows).toEqual([{ sagas: 10n, events: 10n }]);
    expect(shop.wakes()).toBe(before + 4);
  });

  test("has batches of 100 when its header does not say", async () => {
    const job = header({ batchSize: 0 });
    expect((await client.processBulkOrders([job])).job?.batchSize).toBe(100);
    const repeat = await client.processBulkOrders([header({ requestId: job.jobId, batchSize: 100 })]);
    expect(repeat.job?.jobId).toBe(job.jobId);
  });

  test("of no orders, or of rejected ones only, is complete at once", async () => {
    const state = BulkJobState.BULK_JOB_STATE_COMPLETED;
    const { job } = await client.processBulkOrders([header()]);
    expect(job).toMatchObject({ state, receivedCount: 0n, nextPosition: 0n, completeTime: expect.any(Date) });
    const answer = await client.processBulkOrders([header(), invalid(0)]);
    expect(answer.job).toMatchObject({ state, receivedCount: 1n, rejectedCount: 1n, nextPosition: 1n });
  });

  test("reports each order that breaks a rule, with its position, its reason and its field", async () => {
    const gone = await create(shop.catalogue.client);
    await shop.catalogue.client.deleteProduct({ productId: gone.productId, etag: "" });
    const euros = await create(shop.catalogue.client, { price: { ...pounds(100n), currencyCode: "EUR" } });
    const line = { productId, quantity: 1n };
    const faulty = [
      { order: orderAt(0, undefined), expected: ["INVALID_ORDER", "order"] },
      { order: lamps(productId, 1, { paymentMethodToken: "" }), expected: ["INVALID_ORDER", ""] },
      { order: lamps(productId, 2, { guest: undefined }), expected: ["INVALID_ORDER", "order"] },
      {
        order: lamps(productId, 3, { lines: [line, { ...line, quantity: 0n }] }),
        expected: ["INVALID_ORDER", "order.lines[1].quantity"],
      },
      { order: lamps(randomUUID(), 4), expected: ["PRODUCT_NOT_FOUND", "order.lines[0].product_id"] },
      { order: lamps(gone.productId, 5), expected: ["PRODUCT_NOT_FOUND", "order.lines[0].product_id"] },
      {
        order: lamps(productId, 6, { lines: [line, { ...line, productId: euros.productId }] }),
        expected: ["INVALID_ORDER", "order.lines[1].product_id"],
      },
      {
        order: lamps(productId, 7, { lines: [{ ...line, unitPrice: pounds(1n) }] }),
        expected: ["PERMISSION_MISSING", "order.lines[0].unit_price"],
      },
      {
        order: lamps(productId, 8, { placedTime: new Date(0) }),
        expected: ["PERMISSION_MISSING", "order.placed_time"],
      },
      {
        order: lamps(productId, 9, { shippingAddress: undefined }),
        expected: ["INVALID_ORDER", "order.shipping_address"],
      },
      {
        order: lamps(productId, 10, { reference: "NUL \0" }),
        expected: ["INVALID_ORDER", "order.reference"],
      },
      {
        order: lamps(productId, 11, { reference: "x".repeat(65) }),
        expected: ["INVALID_ORDER", "order.reference"],
      },
    ];
    const job = header();
    const answer = await client.processBulkOrders([
      job,
      ...faulty.map(({ order }) => order),
      lamps(productId, 12),
    ]);
    expect(answer.job).toMatchObject({
      receivedCount: 13n,
      acceptedCount: 1n,
      rejectedCount: 12n,
      nextPosition: 13n,
    });
    expect(rejections(answer)).toEqual(faulty.map(({ expected }, position) => [position, ...expected]));
    const [first] = answer.rejections;
    expect(first).toMatchObject({ reference: "", message: expect.stringMatching(/./) });
    expect(answer.rejections[1]?.reference).toBe("order 1");
    expect(await positions(job.jobId)).toEqual([12]);
  });

  test("lists its first rejections by position, and tells of all in their count", async () => {
    const answer = await client.processBulkOrders([
      header(),
      ...Array.from({ length: 15 }, (_, n) => invalid(n)),
    ]);
    expect(answer.job?.rejectedCount).toBe(15n);
    expect(answer.rejections.map(({ position }) => Number(position))).toEqual([...Array(12).keys()]);
  });

  test("takes prices, charges and times of a caller that may give them", async () => {
    const given = lamps(productId, 0, {
      lines: [{ productId, quantity: 2n, unitPrice: pounds(99n) }],
      placedTime: new Date("2010-12-01T08:26:00Z"),
      charges: { items: [] },
    });
    const job = header();
    const importer = as(randomUUID(), ["orders.write", "orders.override_price"]);
    expect((await client.processBulkOrders([job, given], importer)).job?.acceptedCount).toBe(1n);
    const { rows } =
      await sql`select total_minor, placed_time from orders.orders where bulk_job_id = ${job.jobId}`.execute(
        database.queries,
      );
    expect(rows).toEqual([{ total_minor: 198n, placed_time: new Date("2010-12-01T08:26:00Z") }]);
  });
});

describe("a batch that is one whole", () => {
  test("is lost with its first bad order, and no other batch is", async () => {
    const job = header(perBatch);
    const answer = await client.processBulkOrders([
      job,
      ...[0, 1, 2, 3].map((position) => lamps(productId, position)),
      invalid(4),
      lamps(productId, 5),
      lamps(productId, 6),
      lamps(randomUUID(), 7),
    ]);
    expect(rejections(answer)).toEqual([
      [3, "BATCH_REJECTED", ""],
      [4, "INVALID_ORDER", "order.lines"],
      [5, "BATCH_REJECTED", ""],
      [6, "BATCH_REJECTED", ""],
      [7, "PRODUCT_NOT_FOUND", "order.lines[0].product_id"],
    ]);
    expect(answer.rejections[0]).toMatchObject({
      reference: "order 3",
      message: expect.stringContaining("order 4"),
    });
    expect(await positions(job.jobId)).toEqual([0, 1, 2]);
  });

  test("stays lost for its orders that come later", async () => {
    const job = header(perBatch);
    const cut = new AbortController();
    const call = client.processBulkOrders(
      (async function* () {
        yield* [job, invalid(0), lamps(productId, 3)];
        await expect.poll(() => rejectedCount(job.jobId), SOON).toBe(1);
        cut.abort();
      })(),
      { signal: cut.signal },
    );
    await failure(call);
    const answer = await client.processBulkOrders([job, ...manyLamps(productId, 4)]);
    expect(answer.skippedCount).toBe(1n);
    expect(rejections(answer)).toEqual([
      [0, "INVALID_ORDER", "order.lines"],
      [1, "BATCH_REJECTED", ""],
      [2, "BATCH_REJECTED", ""],
    ]);
    expect(await positions(job.jobId)).toEqual([3]);
  });

  test("that has more lines than are held is rejected, and one that is no whole is stored in parts", async () => {
    const big = (position: number) =>
      lamps(productId, position, { lines: Array(4).fill({ productId, quantity: 1n }) });
    const orders = [big(0), big(1), big(2), big(3), lamps(productId, 4)];
    const whole = header(perBatch);
    const answer = await client.processBulkOrders([whole, ...orders]);
    expect(rejections(answer)).toEqual([0, 1, 2].map((position) => [position, "BATCH_TOO_LARGE", ""]));
    expect(await positions(whole.jobId)).toEqual([3, 4]);
    const parts = header();
    expect((await client.processBulkOrders([parts, ...orders])).rejections).toEqual([]);
    expect(await positions(parts.jobId)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("the stream of a job", () => {
  test("begins with one header, and has nothing but orders after it", async () => {
    const first = await failure(client.processBulkOrders([lamps(productId, 0)]));
    expect([first.code, ...violations(first)]).toEqual([Code.INVALID_ARGUMENT, "header: stream.order"]);
    expect((await failure(client.processBulkOrders([]))).code).toBe(Code.INVALID_ARGUMENT);
    const twice = await failure(client.processBulkOrders([header(), header()]));
    expect([twice.code, ...violations(twice)]).toEqual([Code.INVALID_ARGUMENT, "header: stream.order"]);
    const nameless = await failure(client.processBulkOrders([header({ requestId: "x" })]));
    expect(nameless.code).toBe(Code.INVALID_ARGUMENT);
  });

  test.each([
    ["again", [0, 1, 2, 3, 4, 4], "bulk.position_ascending"],
    ["back", [0, 1, 2, 3, 4, 1], "bulk.position_ascending"],
    ["negative", [0, 1, 2, 3, 4, -1], "bulk.position_range"],
    ["beyond the last", [0, 1, 2, 3, 4, 10_000_000], "bulk.position_range"],
  ])("ends at a position that is %s, and can be resumed at what is not stored", async (_, sequence, rule) => {
    const job = header();
    const error = await failure(client.processBulkOrders([job, ...sequence.map((n) => lamps(productId, n))]));
    expect([error.code, ...violations(error)]).toEqual([Code.INVALID_ARGUMENT, `order.position: ${rule}`]);
    expect(await positions(job.jobId)).toEqual([0, 1, 2]);
    const answer = await client.processBulkOrders([job, ...manyLamps(productId, 5)]);
    expect(answer).toMatchObject({ skippedCount: 3n, job: { acceptedCount: 5n, nextPosition: 5n } });
  });
});
