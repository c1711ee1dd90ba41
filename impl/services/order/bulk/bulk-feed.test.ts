import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { settled } from "#impl/runtime/testing/turns.ts";
import { BulkAtomicity } from "#proto/ecommerce/v1/order_bulk.ts";

import { as, bulkFixture, jobCounts, SOON, storedOrders } from "./testing/bulk-fixture.ts";
import { header, lamps, manyLamps } from "./testing/bulk-requests.ts";

const shop = await bulkFixture({ takeoverWaitMs: 100 });
const { client, productId, database } = shop;
const perBatch = { atomicity: BulkAtomicity.BULK_ATOMICITY_PER_BATCH };
const invalid = (position: number) => lamps(productId, position, { lines: [] });
const positions = async (jobId: string) => (await storedOrders(shop, jobId)).map(({ position }) => position);
const acceptedCount = async (jobId: string) => (await jobCounts(shop, jobId))?.accepted;

/** The next position, and the one after the last. */
async function place(jobId: string) {
  const job = await jobCounts(shop, jobId);
  return job && [job.nextPosition, job.endPosition];
}

describe("the stream that feeds a job", () => {
  test("may leave positions out and fill them later: the first one left out is the next", async () => {
    const job = header();
    const cutAfter = async (count: number, sequence: readonly number[]) => {
      const cut = new AbortController();
      async function* messages() {
        yield* [job, ...sequence.map((n) => lamps(productId, n))];
        await expect.poll(() => acceptedCount(job.jobId), SOON).toBe(count);
        cut.abort();
      }
      await failure(client.processBulkOrders(messages(), { signal: cut.signal }));
    };
    await cutAfter(5, [1, 3, 7, 8, 10, 99]);
    expect(await place(job.jobId)).toEqual([0, 11]);
    await cutAfter(8, [0, 2, 3, 5, 12]);
    expect(await place(job.jobId)).toEqual([4, 11]);
    await cutAfter(10, [4, 5, 6, 99]);
    expect(await place(job.jobId)).toEqual([9, 11]);
    const answer = await client.processBulkOrders([
      job,
      lamps(productId, 5),
      lamps(productId, 7),
      lamps(productId, 20),
    ]);
    expect(answer).toMatchObject({ skippedCount: 2n, job: { acceptedCount: 11n, nextPosition: 9n } });
    expect(await positions(job.jobId)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 20]);
  });

  test("of a job that has ended gets the same answer again, and brings nothing new", async () => {
    const job = header();
    const orders = [...manyLamps(productId, 4), invalid(4)];
    const first = await client.processBulkOrders([job, ...orders]);
    expect(await client.processBulkOrders([job, ...orders])).toEqual({ ...first, skippedCount: 5n });
    expect(await client.processBulkOrders([job])).toEqual(first);
    const more = await failure(client.processBulkOrders([job, ...orders, lamps(productId, 5)]));
    expect(more).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "BULK_JOB_ENDED" });
    expect(await positions(job.jobId)).toEqual([0, 1, 2, 3]);
  });

  test("with another header, or of another caller, is ALREADY_EXISTS", async () => {
    const job = header();
    await client.processBulkOrders([job]);
    for (const changes of [{ batchSize: 4 }, perBatch]) {
      const other = await failure(client.processBulkOrders([header({ requestId: job.jobId, ...changes })]));
      expect(other.code).toBe(Code.ALREADY_EXISTS);
    }
    const stranger = await failure(client.processBulkOrders([job], as(randomUUID(), ["orders.write"])));
    expect(stranger.code).toBe(Code.ALREADY_EXISTS);
    await client.processBulkOrders([header({ requestId: job.jobId.toUpperCase() })]);
  });

  test("needs the permission to write orders", async () => {
    const error = await failure(client.processBulkOrders([header()], as(randomUUID(), ["orders.read"])));
    expect(error.code).toBe(Code.PERMISSION_DENIED);
  });

  test("is the only one of its job, in this process and in another, until it ends", async () => {
    const job = header();
    const other = await shop.secondProcess();
    async function* messages() {
      yield job;
      await expect.poll(() => place(job.jobId), SOON).toBeDefined();
      for (const competitor of [client, other]) {
        const error = await failure(competitor.processBulkOrders([job, lamps(productId, 0)]));
        expect(error).toMatchObject({ code: Code.ABORTED, reason: "BULK_JOB_IS_FED" });
      }
      yield* manyLamps(productId, 4);
    }
    expect((await client.processBulkOrders(messages())).job?.acceptedCount).toBe(4n);
    expect((await other.processBulkOrders([job])).job?.acceptedCount).toBe(4n);
  });

  test("that loses its lock is UNAVAILABLE, and what it had begun to store is not", async () => {
    const job = header();
    async function* messages() {
      yield* [job, ...manyLamps(productId, 4)];
      await expect.poll(() => acceptedCount(job.jobId), SOON).toBe(3);
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'grpc-ecommerce locks' and datname = current_database()`.execute(
        database.queries,
      );
      await new Promise(() => {});
    }
    expect((await failure(client.processBulkOrders(messages()))).code).toBe(Code.UNAVAILABLE);
    const answer = await client.processBulkOrders([job, ...manyLamps(productId, 5)]);
    expect(answer).toMatchObject({ skippedCount: 3n, job: { acceptedCount: 5n } });
  });

  test("whose writes come after a later stream has begun stores nothing any more", async () => {
    const job = header();
    async function* messages() {
      yield* [job, ...manyLamps(productId, 4)];
      await expect.poll(() => acceptedCount(job.jobId), SOON).toBe(3);
      await sql`update orders.bulk_jobs set feed = feed + 1 where job_id = ${job.jobId}`.execute(
        database.queries,
      );
      yield* [4, 5, 6].map((n) => lamps(productId, n));
    }
    expect((await failure(client.processBulkOrders(messages()))).code).toBe(Code.ABORTED);
    expect(await positions(job.jobId)).toEqual([0, 1, 2]);
  });

  test("is held back by a database that is slow: two batches are read, whatever comes", async () => {
    const job = header();
    const before = shop.received();
    let sent = 0;
    const stop = new AbortController();
    async function* messages() {
      yield job;
      await expect.poll(() => place(job.jobId), SOON).toBeDefined();
      for (; ; sent++) yield lamps(productId, sent, { reference: "x".repeat(64) });
    }
    await database.queries.transaction().execute(async (transaction) => {
      await sql`lock table orders.sagas in share mode`.execute(transaction);
      const call = client.processBulkOrders(messages(), { signal: stop.signal });
      // The header, two batches, and the order that showed that the second one was whole.
      const most = 1 + 2 * 3 + 1;
      await expect.poll(() => shop.received() - before, SOON).toBe(most);
      // What is beyond waits in the windows of flow control, and they end.
      await settled(() => sent, 1_000);
      expect(shop.received() - before).toBe(most);
      stop.abort();
      await failure(call);
    });
  });
});
