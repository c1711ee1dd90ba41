// What becomes of the orders of a batch, before anything is stored: each is accepted, priced as it will be stored, or rejected with its own
// fault, or with its batch.

import type { NewOrder } from "#proto/ecommerce/v1/order.ts";
import type { Order } from "../order.ts";
import { isRejection, type PreparedOrder } from "../order-intake.ts";
import type { OrderRejection } from "../order-rejection.ts";
import type { Batch } from "./bulk-batches.ts";
import { byPosition, type Fault, type PlacedOrder, type Rejection, rejected } from "./bulk-order.ts";

export interface JudgedBatch {
  readonly accepted: readonly PreparedOrder[];
  /** By position. */
  readonly rejections: readonly Rejection[];
}

export interface Judging {
  readonly jobId: string;
  /** Whether one rejected order rejects its whole batch. */
  readonly whole: boolean;
  /** Whether an order of the batch was rejected in an earlier stream. */
  readonly lostBefore: boolean;
  readonly prepare: (orders: readonly NewOrder[]) => Promise<readonly (PreparedOrder | OrderRejection)[]>;
}

export async function judgeBatch(batch: Batch, judging: Judging): Promise<JudgedBatch> {
  const { orders } = batch;
  const prepared = orders.length === 0 ? [] : await judging.prepare(orders.map(({ order }) => order));
  const rejections = [...batch.rejections];
  const sound: { readonly placed: PlacedOrder; readonly order: Order }[] = [];
  for (const [index, placed] of orders.entries()) {
    const intake = prepared[index];
    if (intake === undefined) throw new Error("an order was neither prepared nor rejected");
    if (isRejection(intake)) rejections.push(rejected(placed, faultOf(intake)));
    else sound.push({ placed, order: intake.order });
  }
  rejections.sort(byPosition);
  const lost = judging.whole ? lossOf(rejections[0], judging.lostBefore) : undefined;
  if (lost !== undefined) {
    const innocent = sound.map(({ placed }) => rejected(placed, lost));
    return { accepted: [], rejections: [...rejections, ...innocent].sort(byPosition) };
  }
  const { jobId } = judging;
  const accepted = sound.map(({ placed: { position }, order }) => ({
    order: { ...order, bulk: { jobId, position: BigInt(position) } },
  }));
  return { accepted, rejections };
}

function faultOf({ reason, message, violations: [first] }: OrderRejection): Fault {
  return { reason, field: first?.field ?? "", message: first?.description ?? message };
}

function lossOf(first: Rejection | undefined, lostBefore: boolean): Fault | undefined {
  if (first === undefined && !lostBefore) return undefined;
  const culprit = first === undefined ? "an order" : `order ${first.position}`;
  return { reason: "BATCH_REJECTED", field: "", message: `${culprit} of the same batch was rejected` };
}
