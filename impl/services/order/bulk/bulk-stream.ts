// The protocol of a bulk job's stream: a header, then orders in ascending positions, and nothing else. An order without a place of its own
// in the job cannot be reported, so it ends the stream.
import { invalidArgument, type RpcError } from "#impl/runtime/rpc-error.ts";
import type { BulkJobHeader, BulkOrder, ProcessBulkOrdersRequest } from "#proto/ecommerce/v1/order_bulk.ts";
import { MAX_POSITION } from "./bulk-order.ts";

export interface BulkStream {
  readonly header: BulkJobHeader;
  /** To be read once. Every position is within its limits and above the one before. */
  readonly orders: AsyncIterable<BulkOrder>;
}

/** Reads the header and leaves the rest. INVALID_ARGUMENT when something else comes first; later for what is out of order. */
export async function openBulkStream(messages: AsyncIterable<ProcessBulkOrdersRequest>): Promise<BulkStream> {
  const reader = messages[Symbol.asyncIterator]();
  const { value: first } = await reader.next();
  const part: ProcessBulkOrdersRequest["part"] = first?.part;
  if (part?.$case !== "header") {
    throw outOfOrder("header", "must be in the first message", "stream.order");
  }
  return { header: part.value, orders: ordersOf(reader) };
}

async function* ordersOf(reader: AsyncIterator<ProcessBulkOrdersRequest>): AsyncGenerator<BulkOrder> {
  let last = -1n;
  for (;;) {
    const { done, value } = await reader.next();
    if (done) return;
    if (value.part?.$case !== "order") {
      throw outOfOrder("header", "may only be in the first message", "stream.order");
    }
    const order = value.part.value;
    requireNext(order.position, last);
    last = order.position;
    yield order;
  }
}

function requireNext(position: bigint, last: bigint): void {
  if (position < 0n || position > MAX_POSITION) {
    throw outOfOrder(
      "order.position",
      `${position}: must be from 0 to ${MAX_POSITION}`,
      "bulk.position_range",
    );
  }
  if (position <= last) {
    throw outOfOrder(
      "order.position",
      `${position}: must be above ${last}, the one before`,
      "bulk.position_ascending",
    );
  }
}

function outOfOrder(field: string, description: string, reason: string): RpcError {
  return invalidArgument([{ field, description, reason }]);
}
