// What an order is. Amounts are whole minor units of the order's one currency; sums hold exactly. No I/O, no messages but the
// values of enumerations and the parts that are stored as they came.
import type { Address } from "#proto/ecommerce/v1/address.ts";
import { ChargeKind, OrderStatus } from "#proto/ecommerce/v1/order.ts";

export { ChargeKind, OrderStatus };

export const ORDER_TYPE = "ecommerce.v1.Order";

export interface Order {
  /** UUIDv7. */
  readonly orderId: string;
  /** Undefined for a guest. */
  readonly userId: string | undefined;
  readonly guest: Guest | undefined;
  readonly reference: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly status: OrderStatus;
  readonly failure: Failure | undefined;
  /** By line number, which counts from 1. */
  readonly lines: readonly OrderLine[];
  readonly charges: readonly Charge[];
  readonly totals: Totals;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly shippingAddress: Address | undefined;
  readonly billingAddress: Address | undefined;
  /** Secret. Undefined once nothing can be authorized with it any more. */
  readonly paymentToken: string | undefined;
  readonly paymentId: string | undefined;
  readonly reservationId: string | undefined;
  readonly shipments: readonly Shipment[];
  /** Where a refund that fails leads back to; exactly while the order is in REFUNDING. */
  readonly statusBeforeRefund: OrderStatus | undefined;
  readonly requestId: string | undefined;
  readonly bulk: BulkPlace | undefined;
  /** Grows with every change. */
  readonly version: bigint;
  readonly placedTime: Date;
  readonly createTime: Date;
  readonly updateTime: Date;
}

export interface Guest {
  readonly email: string;
  readonly fullName: string;
}

export interface Failure {
  /** UPPER_SNAKE_CASE. */
  readonly reason: string;
  readonly message: string;
  readonly lineNumbers: readonly number[];
}

export interface OrderLine {
  readonly lineNumber: number;
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly quantity: bigint;
  readonly unitPriceMinor: bigint;
  readonly priceOverridden: boolean;
  /** Price times quantity, and the line's part of the charges. */
  readonly paidMinor: bigint;
  readonly requestedQuantity: bigint;
  readonly returnedQuantity: bigint;
  /** Units that went back into stock before they were sent. */
  readonly withdrawnQuantity: bigint;
  readonly refundingQuantity: bigint;
  readonly refundingMinor: bigint;
  readonly refundedQuantity: bigint;
  readonly refundedMinor: bigint;
}

export interface Charge {
  readonly kind: ChargeKind;
  readonly label: string;
  readonly minorUnits: bigint;
}

/** `total` = `lines` + `tax` + `shipping` - `discount`; none is negative. */
export interface Totals {
  readonly linesMinor: bigint;
  readonly taxMinor: bigint;
  readonly shippingMinor: bigint;
  readonly discountMinor: bigint;
  readonly totalMinor: bigint;
}

export interface Shipment {
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly shipTime: Date;
  readonly deliverTime: Date | undefined;
}

export interface BulkPlace {
  readonly jobId: string;
  readonly position: bigint;
}

export function lineTotal({ unitPriceMinor, quantity }: OrderLine): bigint {
  return unitPriceMinor * quantity;
}

export function isSent({ shipments }: Order): boolean {
  return shipments.length > 0;
}
