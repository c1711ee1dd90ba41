// An order as the database gives it, and the order that it is. A row brings its lines with it as JSON, which costs a third of what
// rows of their own would: see ORDER_COLUMNS.
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import { Address } from "#proto/ecommerce/v1/address.ts";
import type { Charge, ChargeKind, Failure, Guest, Order, OrderLine, OrderStatus } from "./order.ts";

/** Brings the schema of orders up to date. The tables of its event log are beside it: `eventTables("orders")`. */
export const ordersSchema: MigrationOptions = {
  schema: "orders",
  folder: new URL("./migrations/", import.meta.url),
};

/** Of a query in which orders.orders is called `o`. */
export const ORDER_COLUMNS = `
  o.order_id, o.user_id, o.guest, o.reference, o.currency, o.status, o.failure, o.charges, o.lines_minor, o.tax_minor,
  o.shipping_minor, o.discount_minor, o.total_minor, o.captured_minor, o.refunded_minor, o.shipping_address, o.billing_address,
  o.payment_method_token, o.payment_id, o.reservation_id, o.shipments, o.status_before_refund, o.request_id, o.bulk_job_id,
  o.bulk_position, o.version, o.placed_time, o.create_time, o.update_time, (
    select json_agg(json_build_array(l.product_id, l.sku, l.name, l.quantity, l.unit_price_minor::text, l.price_overridden,
      l.paid_minor::text, l.requested_quantity, l.returned_quantity, l.withdrawn_quantity, l.refunding_quantity,
      l.refunding_minor::text, l.refunded_quantity, l.refunded_minor::text) order by l.line_number)
    from orders.order_lines as l where l.order_id = o.order_id
  ) as lines`;

export interface OrderRow {
  readonly order_id: string;
  readonly user_id: string | null;
  readonly guest: Guest | null;
  readonly reference: string;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly failure: Failure | null;
  readonly charges: readonly ChargeJson[];
  readonly lines_minor: bigint;
  readonly tax_minor: bigint;
  readonly shipping_minor: bigint;
  readonly discount_minor: bigint;
  readonly total_minor: bigint;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly shipping_address: unknown;
  readonly billing_address: unknown;
  readonly payment_method_token: string | null;
  readonly payment_id: string | null;
  readonly reservation_id: string | null;
  readonly shipments: readonly ShipmentJson[];
  readonly status_before_refund: OrderStatus | null;
  readonly request_id: string | null;
  readonly bulk_job_id: string | null;
  readonly bulk_position: bigint | null;
  readonly version: bigint;
  readonly placed_time: Date;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly lines: readonly LineJson[];
}

/** Amounts are text, since a number of JSON holds only 53 bits. */
export interface ChargeJson {
  readonly kind: ChargeKind;
  readonly label: string;
  readonly minor: string;
}

export interface ShipmentJson {
  readonly carrier: string;
  readonly trackingNumber: string;
  readonly shipTime: string;
  readonly deliverTime?: string | undefined;
}

type LineJson = readonly [
  productId: string,
  sku: string,
  name: string,
  quantity: number,
  unitPriceMinor: string,
  priceOverridden: boolean,
  paidMinor: string,
  requested: number,
  returned: number,
  withdrawn: number,
  refunding: number,
  refundingMinor: string,
  refunded: number,
  refundedMinor: string,
];

export function orderOf(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    userId: row.user_id ?? undefined,
    guest: row.guest ?? undefined,
    reference: row.reference,
    currency: row.currency,
    status: row.status,
    failure: row.failure ?? undefined,
    lines: row.lines.map(lineOf),
    charges: row.charges.map(chargeOf),
    totals: {
      linesMinor: row.lines_minor,
      taxMinor: row.tax_minor,
      shippingMinor: row.shipping_minor,
      discountMinor: row.discount_minor,
      totalMinor: row.total_minor,
    },
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    shippingAddress: addressOf(row.shipping_address),
    billingAddress: addressOf(row.billing_address),
    paymentToken: row.payment_method_token ?? undefined,
    paymentId: row.payment_id ?? undefined,
    reservationId: row.reservation_id ?? undefined,
    shipments: row.shipments.map(({ shipTime, deliverTime, ...parcel }) => ({
      ...parcel,
      shipTime: new Date(shipTime),
      deliverTime: deliverTime === undefined ? undefined : new Date(deliverTime),
    })),
    statusBeforeRefund: row.status_before_refund ?? undefined,
    requestId: row.request_id ?? undefined,
    bulk:
      row.bulk_job_id === null ? undefined : { jobId: row.bulk_job_id, position: row.bulk_position ?? 0n },
    version: row.version,
    placedTime: row.placed_time,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

function lineOf(json: LineJson, index: number): OrderLine {
  const [productId, sku, name, quantity, unitPrice, priceOverridden, paid, ...changed] = json;
  const [requested, returned, withdrawn, refunding, refundingMinor, refunded, refundedMinor] = changed;
  return {
    lineNumber: index + 1,
    productId,
    sku,
    name,
    quantity: BigInt(quantity),
    unitPriceMinor: BigInt(unitPrice),
    priceOverridden,
    paidMinor: BigInt(paid),
    requestedQuantity: BigInt(requested),
    returnedQuantity: BigInt(returned),
    withdrawnQuantity: BigInt(withdrawn),
    refundingQuantity: BigInt(refunding),
    refundingMinor: BigInt(refundingMinor),
    refundedQuantity: BigInt(refunded),
    refundedMinor: BigInt(refundedMinor),
  };
}

function chargeOf({ kind, label, minor }: ChargeJson): Charge {
  return { kind, label, minorUnits: BigInt(minor) };
}

/** Stored before a field was added, an address lacks it. */
function addressOf(json: unknown): Address | undefined {
  return json === null ? undefined : Address.fromPartial(Object(json));
}
