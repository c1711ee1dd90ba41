import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { BulkJobState } from "#proto/ecommerce/v1/order_bulk.ts";

import { OrderStatus } from "../order.ts";
import { isProcessed } from "../order-status.ts";
import { findJob } from "./bulk-job-store.ts";
import { startBulkOutcomes } from "./bulk-outcomes.ts";
import { bulkFixture, SOON } from "./testing/bulk-fixture.ts";
import { header, manyLamps } from "./testing/bulk-requests.ts";

const shop = await bulkFixture();
const { client, productId, database } = shop;
const { queries } = database;

async function jobOf(count: number): Promise<string> {
  const job = header({ batchSize: 100 });
  await client.processBulkOrders([job, ...manyLamps(productId, count)]);
  return job.jobId;
}

const set = (jobId: string, position: number, status: OrderStatus) =>
  sql`update orders.orders set status = ${status}, status_before_refund = ${status === OrderStatus.ORDER_STATUS_REFUNDING ? 6 : null}
    where bulk_job_id = ${jobId} and bulk_position = ${position}`.execute(queries);

const outcome = async (jobId: string) => {
  const { succeededCount, failedCount } = present(await findJob(queries, jobId, new Date()));
  return [Number(succeededCount), Number(failedCount)];
};

const statuses = Object.values(OrderStatus).filter((status) => status > 0);

test("an order counts from the state on that ends its processing, as what it ended in, whatever follows", async () => {
  const jobId = await jobOf(statuses.length);
  for (const [position, status] of statuses.entries()) {
    // A state that comes only after PROCESSING is reached through it.
    const late = isProcessed(status) && status !== OrderStatus.ORDER_STATUS_PROCESSING && !isError(status);
    if (late) await set(jobId, position, OrderStatus.ORDER_STATUS_PROCESSING);
    const before = await outcome(jobId);
    await set(jobId, position, status);
    const [succeeded = 0, failed = 0] = await outcome(jobId);
    const counted = isProcessed(status) && !late;
    expect([status, succeeded - (before[0] ?? 0), failed - (before[1] ?? 0)]).toEqual([
      status,
      counted && !isError(status) ? 1 : 0,
      counted && isError(status) ? 1 : 0,
    ]);
  }
  const before = await outcome(jobId);
  for (const [position, status] of statuses.entries()) {
    if (isProcessed(status)) await set(jobId, position, OrderStatus.ORDER_STATUS_CANCELLED);
  }
  expect(await outcome(jobId)).toEqual(before);
});

function isError(status: OrderStatus): boolean {
  const {
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_PAYMENT_FAILED,
    ORDER_STATUS_OUT_OF_STOCK,
    ORDER_STATUS_FAILED,
  } = OrderStatus;
  const errors: readonly OrderStatus[] = [
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_PAYMENT_FAILED,
    ORDER_STATUS_OUT_OF_STOCK,
    ORDER_STATUS_FAILED,
  ];
  return errors.includes(status);
}

test("many orders that end at once wait for neither each other nor the job, and none is lost or counted twice", async () => {
  const count = 40;
  const jobId = await jobOf(count);
  // A job whose row is locked all the time does not hold them up.
  await queries.transaction().execute(async (transaction) => {
    await sql`select from orders.bulk_jobs where job_id = ${jobId} for update`.execute(transaction);
    const all = Array.from({ length: count }, (_, position) =>
      set(
        jobId,
        position,
        position % 4 === 0 ? OrderStatus.ORDER_STATUS_FAILED : OrderStatus.ORDER_STATUS_PROCESSING,
      ),
    );
    await Promise.all(all);
  });
  const jobs = await Promise.all(Array.from({ length: 8 }, () => findJob(queries, jobId, new Date())));
  expect(jobs.some((job) => job?.state === BulkJobState.BULK_JOB_STATE_COMPLETED)).toBe(true);
  expect(await outcome(jobId)).toEqual([30, 10]);
});

test("a job that nobody watches is completed", async () => {
  const log = recordingLogger([]);
  const running = startBulkOutcomes({ database, clock: systemClock, log, everyMs: 10 });
  onTestFinished(() => running.stop());
  const jobId = await jobOf(2);
  await set(jobId, 0, OrderStatus.ORDER_STATUS_PROCESSING);
  await set(jobId, 1, OrderStatus.ORDER_STATUS_OUT_OF_STOCK);
  const completed = async () => {
    const { rows } = await sql<{ complete: boolean }>`
      select complete_time is not null as complete from orders.bulk_jobs where job_id = ${jobId}`.execute(
      queries,
    );
    return rows[0]?.complete;
  };
  await expect.poll(completed, SOON).toBe(true);
  expect(await outcome(jobId)).toEqual([1, 1]);
});
