import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { BulkJobState, type WatchBulkJobResponse } from "#proto/ecommerce/v1/order_bulk.ts";

import { OrderStatus } from "../order.ts";
import { as, bulkFixture, jobCounts, SOON } from "./testing/bulk-fixture.ts";
import { header, lamps, manyLamps } from "./testing/bulk-requests.ts";

// A second of silence is over in twenty milliseconds.
const clock = { ...systemClock, monotonic: () => 50 * systemClock.monotonic() };
const shop = await bulkFixture({ clock });
const { client, productId, database } = shop;
const { BULK_JOB_STATE_RECEIVING, BULK_JOB_STATE_PROCESSING, BULK_JOB_STATE_COMPLETED } = BulkJobState;
const invalid = (position: number) => lamps(productId, position, { lines: [] });

const watch = (
  jobId: string,
  changes: { resumeToken?: string; heartbeatInterval?: { seconds: bigint; nanos: number } } = {},
  options = {},
) => client.watchBulkJob({ jobId, resumeToken: "", heartbeatInterval: undefined, ...changes }, options);

const endAs = (jobId: string, status: OrderStatus, ...positions: number[]) =>
  sql`update orders.orders set status = ${status} where bulk_job_id = ${jobId} and bulk_position = any(${positions}::bigint[])`.execute(
    database.queries,
  );

const progressOf = ({ event }: WatchBulkJobResponse) =>
  event?.$case === "progress" ? event.value : undefined;
const rejectedPositions = (messages: readonly WatchBulkJobResponse[]) =>
  messages.flatMap(
    (message) => progressOf(message)?.rejections.map(({ position }) => Number(position)) ?? [],
  );

async function all(messages: AsyncIterable<WatchBulkJobResponse>): Promise<WatchBulkJobResponse[]> {
  return Array.fromAsync(messages);
}

async function first(messages: AsyncIterable<WatchBulkJobResponse>): Promise<WatchBulkJobResponse> {
  for await (const message of messages) return message;
  throw new Error("the stream ended without a message");
}

describe("a watcher of a bulk job", () => {
  test("is told of it from before its first order to its last one's end, and the stream ends with it", async () => {
    const job = header();
    const watching = Promise.withResolvers<Promise<WatchBulkJobResponse[]>>();
    const begun = Promise.withResolvers<void>();
    const stored = Promise.withResolvers<void>();
    async function* messages() {
      yield job;
      await expect.poll(() => jobCounts(shop, job.jobId), SOON).toBeDefined();
      const stream = watch(job.jobId);
      watching.resolve(
        (async () => {
          const seen: WatchBulkJobResponse[] = [];
          for await (const message of stream) {
            seen.push(message);
            begun.resolve();
            if (progressOf(message)?.job?.state === BULK_JOB_STATE_PROCESSING) stored.resolve();
          }
          return seen;
        })(),
      );
      await begun.promise;
      yield* [...manyLamps(productId, 4), invalid(4), lamps(productId, 5)];
    }
    await client.processBulkOrders(messages());
    await stored.promise;
    const { ORDER_STATUS_PROCESSING, ORDER_STATUS_OUT_OF_STOCK, ORDER_STATUS_CANCELLED } = OrderStatus;
    await endAs(job.jobId, ORDER_STATUS_PROCESSING, 0, 1, 5);
    await endAs(job.jobId, ORDER_STATUS_OUT_OF_STOCK, 2);
    await endAs(job.jobId, ORDER_STATUS_CANCELLED, 0, 3);
    const seen = await await watching.promise;
    const jobs = seen.flatMap((message) => progressOf(message)?.job ?? []);
    expect(jobs[0]).toMatchObject({ state: BULK_JOB_STATE_RECEIVING, receivedCount: 0n, nextPosition: 0n });
    expect(jobs.at(-1)).toMatchObject({
      state: BULK_JOB_STATE_COMPLETED,
      receivedCount: 6n,
      acceptedCount: 5n,
      rejectedCount: 1n,
      succeededCount: 3n,
      failedCount: 2n,
      completeTime: expect.any(Date),
    });
    expect(rejectedPositions(seen)).toEqual([4]);
    for (const count of ["receivedCount", "succeededCount", "failedCount", "nextPosition"] as const) {
      const values = jobs.map((one) => one[count]);
      expect(values).toEqual(values.toSorted((a, b) => Number(a - b)));
    }
  });

  test("gets every rejection once, a thousand a message, however often it resumes", async () => {
    const job = header({ batchSize: 500 });
    const count = 2_300;
    const orders = Array.from({ length: count }, (_, n) => invalid(n));
    expect((await client.processBulkOrders([job, ...orders])).rejections).toHaveLength(count);
    const whole = await all(watch(job.jobId));
    expect(whole.map((message) => progressOf(message)?.rejections.length)).toEqual([1_000, 1_000, 300]);
    expect(rejectedPositions(whole)).toEqual([...Array(count).keys()]);
    const resumed: WatchBulkJobResponse[] = [];
    for (let resumeToken = ""; ; ) {
      const message = await first(watch(job.jobId, { resumeToken }));
      resumed.push(message);
      if (progressOf(message)?.rejections.length !== 1_000) break;
      ({ resumeToken } = message);
    }
    expect(rejectedPositions(resumed)).toEqual([...Array(count).keys()]);
    const after = await all(watch(job.jobId, { resumeToken: present(whole.at(-1)).resumeToken }));
    expect(after.map(progressOf)).toMatchObject([
      { job: { state: BULK_JOB_STATE_COMPLETED }, rejections: [] },
    ]);
  });

  test("hears a heartbeat when nothing happens, whose token is as good as any", async () => {
    const job = header();
    await client.processBulkOrders([job, lamps(productId, 0), invalid(1)]);
    const seen: WatchBulkJobResponse[] = [];
    for await (const message of watch(job.jobId, { heartbeatInterval: { seconds: 1n, nanos: 0 } })) {
      seen.push(message);
      if (message.event?.$case === "heartbeat") break;
    }
    expect(seen.map(({ event }) => event?.$case)).toEqual(["progress", "heartbeat"]);
    const { resumeToken } = present(seen.at(-1));
    const again = progressOf(await first(watch(job.jobId, { resumeToken })));
    expect(again).toMatchObject({ job: { state: BULK_JOB_STATE_PROCESSING }, rejections: [] });
  });

  test("must have sent it or be allowed to read orders; to others it is not there", async () => {
    const [mine, other] = [randomUUID(), randomUUID()];
    const job = header();
    await client.processBulkOrders([job], as(mine, ["orders.write"]));
    expect(await all(watch(job.jobId, {}, as(mine, [])))).toHaveLength(1);
    expect(await all(watch(job.jobId, {}, as(other, ["orders.read"])))).toHaveLength(1);
    expect((await failure(all(watch(job.jobId, {}, as(other, ["orders.write"]))))).code).toBe(Code.NOT_FOUND);
    expect((await failure(all(watch(randomUUID())))).code).toBe(Code.NOT_FOUND);
  });

  test("cannot resume with the token of another job", async () => {
    const [one, two] = [header(), header()];
    for (const job of [one, two]) await client.processBulkOrders([job]);
    const { resumeToken } = await first(watch(one.jobId));
    expect((await failure(all(watch(two.jobId, { resumeToken })))).code).toBe(Code.INVALID_ARGUMENT);
  });

  test("costs the database no more when there are many", async () => {
    const job = header();
    await client.processBulkOrders([job, lamps(productId, 0)]);
    const stop = new AbortController();
    const watchers = Array.from({ length: 20 }, () => all(watch(job.jobId, {}, { signal: stop.signal })));
    const ends = Promise.allSettled(watchers);
    const before = database.statements();
    await endAs(job.jobId, OrderStatus.ORDER_STATUS_PROCESSING, 0);
    const seen = (await ends).filter(({ status }) => status === "fulfilled");
    expect(seen).toHaveLength(20);
    expect(database.statements() - before).toBeLessThan(20 * 3);
  });
});
