// What a caller of ProcessBulkOrders sends.
import { randomUUID } from "node:crypto";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import {
  BulkAtomicity,
  type BulkJobHeader,
  type ProcessBulkOrdersRequest,
} from "#proto/ecommerce/v1/order_bulk.ts";

/** Of a new job, unless it is named. */
export function header(
  changes: Partial<BulkJobHeader> = {},
): ProcessBulkOrdersRequest & { readonly jobId: string } {
  const value = {
    requestId: randomUUID(),
    atomicity: BulkAtomicity.BULK_ATOMICITY_PER_ORDER,
    batchSize: 3,
    ...changes,
  };
  return { part: { $case: "header", value }, jobId: value.requestId };
}

export function orderAt(position: number | bigint, order: NewOrder | undefined): ProcessBulkOrdersRequest {
  return { part: { $case: "order", value: { position: BigInt(position), order } } };
}

/** A guest's order of two lamps; its reference is "order <position>". */
export function lamps(
  productId: string,
  position: number,
  changes: Parameters<typeof NewOrder.fromPartial>[0] = {},
): ProcessBulkOrdersRequest {
  const order = NewOrder.fromPartial({
    guest: { email: "guest@example.com", fullName: "A Guest" },
    lines: [{ productId, quantity: 2n }],
    shippingAddress: {
      recipient: "A Guest",
      addressLines: ["1 High Street"],
      city: "London",
      postalCode: "N1",
      countryCode: "GB",
    },
    paymentMethodToken: "pm_test",
    reference: `order ${position}`,
    ...changes,
  });
  return orderAt(position, order);
}

/** From 0 on. */
export function manyLamps(productId: string, count: number): ProcessBulkOrdersRequest[] {
  return Array.from({ length: count }, (_, position) => lamps(productId, position));
}
