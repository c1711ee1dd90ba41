// Passes over the positions of a job that were settled before its present stream began. What this stream itself settles need not
// be looked for: its positions ascend.
import type { Kysely } from "kysely";
import type { BulkOrder } from "#proto/ecommerce/v1/order_bulk.ts";
import type { Batch } from "./bulk-batches.ts";
import type { BulkJob } from "./bulk-job.ts";
import { settledIn } from "./bulk-positions.ts";

export interface FreshBatch {
  /** What of the batch is not settled. */
  readonly fresh: Batch;
  /** Whether an order of the whole batch, sent in an earlier stream, was rejected. */
  readonly lostBefore: boolean;
}

export class SettledFilter {
  /** Orders that were passed over. */
  skippedCount = 0;
  readonly #job: BulkJob;
  readonly #queries: Kysely<unknown>;
  readonly #signal: AbortSignal;

  /** `job` as it was when the stream began. */
  constructor(job: BulkJob, queries: Kysely<unknown>, signal: AbortSignal) {
    this.#job = job;
    this.#queries = queries;
    this.#signal = signal;
  }

  /** Without those below the next position, which nobody need look for: a caller that sends all of a job again has many. */
  async *orders(orders: AsyncIterable<BulkOrder>): AsyncGenerator<BulkOrder> {
    for await (const order of orders) {
      if (order.position >= this.#job.nextPosition) yield order;
      else this.skippedCount++;
    }
  }

  async batch(batch: Batch): Promise<FreshBatch> {
    const { jobId, batchSize, endPosition } = this.#job;
    const some = batch.orders[0]?.position ?? batch.rejections[0]?.position ?? endPosition;
    const first = some - (some % batchSize);
    if (first >= endPosition) return { fresh: batch, lostBefore: false };
    const range = { first, last: first + batchSize - 1 };
    const { stored, rejected } = await settledIn(this.#queries, jobId, range, this.#signal);
    const isFresh = ({ position }: { readonly position: number }) =>
      !stored.has(position) && !rejected.has(position);
    const fresh = { orders: batch.orders.filter(isFresh), rejections: batch.rejections.filter(isFresh) };
    this.skippedCount += sizeOf(batch) - sizeOf(fresh);
    return { fresh, lostBefore: rejected.size > 0 };
  }
}

function sizeOf({ orders, rejections }: Batch): number {
  return orders.length + rejections.length;
}
