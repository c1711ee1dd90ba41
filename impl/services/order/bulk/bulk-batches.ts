// Cuts the orders of a stream into batches by their positions: n * batch_size to the next, whoever sends them and however often. What it
// holds of a batch is bounded in orders by the size of batches, and in lines by a limit of its own.

import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import type { BulkOrder } from "#proto/ecommerce/v1/order_bulk.ts";
import { byPosition, type Fault, type PlacedOrder, type Rejection, rejected } from "./bulk-order.ts";
import type { CheckBulkOrder } from "./bulk-order-check.ts";

export interface Batch {
  /** Those that keep the rules of the schema, ascending. */
  readonly orders: readonly PlacedOrder[];
  /** Those that do not, ascending. */
  readonly rejections: readonly Rejection[];
}

export interface BatchCutting {
  /** Orders in a batch at most. */
  readonly batchSize: number;
  /** Whether a batch is one whole, so that it must not be stored in parts. */
  readonly whole: boolean;
  /** Lines of the orders of a batch that are held at most, but for those of the last order. */
  readonly maxLines: number;
  readonly check: CheckBulkOrder;
}

/** A batch with more lines than `maxLines` comes in parts, or is rejected when it is a whole. Takes an order only when asked for a batch. */
export async function* cutBatches(
  orders: AsyncIterable<BulkOrder>,
  cutting: BatchCutting,
): AsyncGenerator<Batch> {
  const { batchSize, whole, maxLines } = cutting;
  let open = new OpenBatch(cutting);
  let next = batchSize;
  for await (const order of orders) {
    const position = Number(order.position);
    if (position >= next) {
      if (!open.empty) yield open;
      open = new OpenBatch(cutting);
      next = position - (position % batchSize) + batchSize;
    }
    open.add(position, order);
    if (open.lines <= maxLines) continue;
    if (whole) {
      open.refuse();
    } else {
      yield open;
      open = new OpenBatch(cutting);
    }
  }
  if (!open.empty) yield open;
}

const TOO_LARGE: Fault = {
  reason: "BATCH_TOO_LARGE",
  field: "",
  message: "the orders of the batch have too many lines together: send them in a job of smaller batches",
};

class OpenBatch implements Batch {
  orders: PlacedOrder[] = [];
  rejections: Rejection[] = [];
  lines = 0;
  readonly #check: CheckBulkOrder;
  #refused = false;

  constructor({ check }: BatchCutting) {
    this.#check = check;
  }

  get empty(): boolean {
    return this.orders.length === 0 && this.rejections.length === 0;
  }

  add(position: number, bulkOrder: BulkOrder): void {
    const fault = this.#check(bulkOrder) ?? (this.#refused ? TOO_LARGE : undefined);
    const placed = { position, order: bulkOrder.order ?? NewOrder.create() };
    if (fault !== undefined) {
      this.rejections.push(rejected(placed, fault));
      return;
    }
    this.orders.push(placed);
    this.lines += placed.order.lines.length;
  }

  /** Rejects the orders that it has and those that come. */
  refuse(): void {
    this.#refused = true;
    for (const placed of this.orders) this.rejections.push(rejected(placed, TOO_LARGE));
    this.rejections.sort(byPosition);
    this.orders = [];
    this.lines = 0;
  }
}
