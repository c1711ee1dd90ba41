// ProcessBulkOrders: reads, checks and prices one batch while the one before it is stored, and never holds more than these two: a
// database that is slow holds its caller back. Positions that are settled are passed over.
import type { Call } from "#impl/runtime/call.ts";
import type {
  BulkOrder,
  ProcessBulkOrdersRequest,
  ProcessBulkOrdersResponse,
} from "#proto/ecommerce/v1/order_bulk.ts";
import type { OrderAccess } from "../order-access.ts";
import { type IntakeContext, OVERRIDE_PRICE, prepareOrders } from "../order-intake.ts";
import { cutBatches } from "./bulk-batches.ts";
import { jobHasEnded } from "./bulk-errors.ts";
import { type FeedNeeds, type JobFeed, openFeed } from "./bulk-feed.ts";
import { BulkAtomicity, newBulkJob } from "./bulk-job.ts";
import { findJob } from "./bulk-job-store.ts";
import { type JudgedBatch, type Judging, judgeBatch } from "./bulk-judge.ts";
import { jobMessage, rejectionMessage } from "./bulk-messages.ts";
import type { CheckBulkOrder } from "./bulk-order-check.ts";
import { firstRejections } from "./bulk-rejections.ts";
import { openBulkStream } from "./bulk-stream.ts";
import { SettledFilter } from "./settled-filter.ts";

export interface BulkLimits {
  /** Lines of the orders of one batch, of which two are held at a time. Default 100,000: a hundred of the largest orders. */
  readonly batchLines: number;
  /** Rejections in the answer at most. Default 10,000. */
  readonly listedRejections: number;
}

export const DEFAULT_BULK_LIMITS: BulkLimits = { batchLines: 100_000, listedRejections: 10_000 };

export interface ProcessNeeds extends FeedNeeds {
  readonly intake: Pick<IntakeContext, "products" | "pricing" | "clock" | "newId">;
  readonly check: CheckBulkOrder;
  readonly limits: BulkLimits;
  readonly access: OrderAccess;
}

export async function processBulkOrders(
  messages: AsyncIterable<ProcessBulkOrdersRequest>,
  call: Call,
  needs: ProcessNeeds,
): Promise<ProcessBulkOrdersResponse> {
  const { header, orders } = await openBulkStream(messages);
  const job = newBulkJob(header, call.principal?.userId);
  const feed = await openFeed(job, needs, call.signal, (reason) => call.fail(reason));
  const filter = new SettledFilter(feed.job, needs.database.queries, call.signal);
  try {
    await feedAll(orders, feed, filter, call, needs);
    await feed.end();
  } finally {
    await feed.release();
  }
  return await summaryOf(job.jobId, filter.skippedCount, call, needs);
}

async function feedAll(
  orders: AsyncIterable<BulkOrder>,
  feed: JobFeed,
  filter: SettledFilter,
  call: Call,
  needs: ProcessNeeds,
): Promise<void> {
  const { jobId, batchSize, atomicity, receiveTime } = feed.job;
  const whole = atomicity === BulkAtomicity.BULK_ATOMICITY_PER_BATCH;
  const cutting = { batchSize, whole, maxLines: needs.limits.batchLines, check: needs.check };
  const prepare = preparation(call, needs);
  let storing = Promise.resolve();
  try {
    for await (const batch of cutBatches(filter.orders(orders), cutting)) {
      const { fresh, lostBefore } = await filter.batch(batch);
      const judged = await judgeBatch(fresh, { jobId, whole, lostBefore, prepare });
      if (receiveTime !== undefined) requireNothing(jobId, judged);
      await storing;
      storing = feed.store(judged);
      // Else a caller that pauses would learn of it with its next batch.
      storing.catch((error: unknown) => call.fail(error));
    }
    await storing;
  } finally {
    // The feed is released next: nothing of it may run then.
    await storing.catch(() => {});
  }
}

function preparation(call: Call, { intake, access }: ProcessNeeds): Judging["prepare"] {
  const context = { ...intake, mayOverride: access.holds(call, OVERRIDE_PRICE), call: { parent: call } };
  return (orders) => prepareOrders(orders, context);
}

function requireNothing(jobId: string, { accepted, rejections }: JudgedBatch): void {
  const position = accepted[0]?.order.bulk?.position ?? rejections[0]?.position;
  if (position !== undefined) throw jobHasEnded(jobId, Number(position));
}

async function summaryOf(
  jobId: string,
  skippedCount: number,
  { signal }: Call,
  { database, clock, limits }: ProcessNeeds,
): Promise<ProcessBulkOrdersResponse> {
  const { queries } = database;
  const [job, rejections] = await Promise.all([
    findJob(queries, jobId, new Date(clock.now()), signal),
    firstRejections(queries, jobId, limits.listedRejections, signal),
  ]);
  if (job === undefined) throw new Error(`bulk job ${jobId} is gone`);
  return {
    job: jobMessage(job),
    skippedCount: BigInt(skippedCount),
    rejections: rejections.map(rejectionMessage),
  };
}
