// Stores new orders, for one order or five hundred: their rows, their lines, the sagas that will process them and their events in one
// statement, which needs no other transaction.
import { CompiledQuery, type Kysely } from "kysely";
import { eventInsertion, eventParameters } from "#impl/storage/events/event-insertion.ts";
import type { Order } from "./order.ts";
import { newOrderEvent } from "./order-event.ts";
import type { PreparedOrder } from "./order-intake.ts";
import { ordersSchema } from "./order-row.ts";

export interface InsertExtras {
  /**
   * Who processes the orders from now on: nobody else touches them for `leaseMs`. Absent: whoever comes first; wake the workers
   * after the commit.
   */
  readonly lease?: { readonly holder: string; readonly leaseMs: number };
  /** The request of each order, where there is one: a second order of the same is not stored. Of the length of the orders. */
  readonly requests?: readonly OrderRequest[];
}

export interface OrderRequest {
  readonly caller: string;
  readonly requestId: string;
  /** Digest of what was asked for. */
  readonly fingerprint: Uint8Array;
}

/**
 * The orders that were stored, in their order: all, but for those whose request has an order already. An order of a bulk job has its
 * `bulk` set by the caller; a place that is taken fails with UNIQUE_VIOLATION of "orders_bulk_position". Call the log's `committed()`
 * after the commit.
 */
export async function insertOrders<T>(
  queries: Kysely<T>,
  prepared: readonly PreparedOrder[],
  { lease, requests = [] }: InsertExtras = {},
): Promise<readonly Order[]> {
  const orders = prepared.map(({ order }, index) => ({ ...order, requestId: requests[index]?.requestId }));
  const [first] = orders;
  if (first === undefined) return [];
  const records = orders.map((order, index) => recordOf(order, requests[index]));
  const parameters = [
    JSON.stringify(records),
    lease?.leaseMs ?? 0,
    lease?.holder ?? null,
    ...eventParameters(orders.map(newOrderEvent), first.createTime),
  ];
  const { rows } = await queries.executeQuery<{ order_id: string }>(CompiledQuery.raw(INSERT, parameters));
  if (rows.length === orders.length) return orders;
  const stored = new Set(rows.map(({ order_id }) => order_id));
  return orders.filter(({ orderId }) => stored.has(orderId));
}

// An event's first key is the order's own.
const TELL = eventInsertion({
  schema: ordersSchema.schema,
  firstParameter: 4,
  joined: `join stored on 'order/' || stored.order_id = (event.keys::text[])[1]`,
});

const INSERT = `
with given as (
  select * from jsonb_to_recordset($1::jsonb) as given (order_id uuid, user_id uuid, guest jsonb, reference text, currency text,
    status smallint, charges jsonb, lines_minor bigint, tax_minor bigint, shipping_minor bigint, discount_minor bigint,
    total_minor bigint, shipping_address jsonb, billing_address jsonb, payment_method_token text, caller text, request_id uuid,
    fingerprint text, bulk_job_id uuid, bulk_position bigint, placed_time timestamptz, create_time timestamptz, lines jsonb)
), stored as (
  insert into orders.orders (order_id, user_id, guest, reference, currency, status, charges, lines_minor, tax_minor,
    shipping_minor, discount_minor, total_minor, shipping_address, billing_address, payment_method_token, caller, request_id,
    fingerprint, bulk_job_id, bulk_position, placed_time, create_time, update_time)
  select order_id, user_id, guest, reference, currency, status, charges, lines_minor, tax_minor, shipping_minor, discount_minor,
    total_minor, shipping_address, billing_address, payment_method_token, caller, request_id, decode(fingerprint, 'hex'),
    bulk_job_id, bulk_position, placed_time, create_time, create_time
  from given
  on conflict (caller, request_id) where request_id is not null do nothing
  returning order_id
), stored_lines as (
  insert into orders.order_lines (order_id, line_number, product_id, placed_time, sku, name, quantity, unit_price_minor,
    price_overridden, paid_minor)
  select given.order_id, line.n, line.product, given.placed_time, line.sku, line.name, line.quantity, line.price,
    line.overridden, line.paid
  from given join stored using (order_id), jsonb_to_recordset(given.lines) as line (n integer, product uuid, sku text,
    name text, quantity bigint, price bigint, overridden boolean, paid bigint)
), told as (${TELL})
insert into orders.sagas (saga_id, order_id, kind, holder, due_time)
select order_id, order_id, 'order', $3::uuid, clock_timestamp() + $2::double precision * interval '1 ms'
from stored
returning order_id`;

/** Numbers that may need more than 53 bits go as text, which PostgreSQL reads as well. */
function recordOf(order: Order, request: OrderRequest | undefined) {
  const { totals } = order;
  return {
    order_id: order.orderId,
    user_id: order.userId,
    guest: order.guest,
    reference: order.reference,
    currency: order.currency,
    status: order.status,
    charges: order.charges.map(({ kind, label, minorUnits }) => ({ kind, label, minor: String(minorUnits) })),
    lines_minor: String(totals.linesMinor),
    tax_minor: String(totals.taxMinor),
    shipping_minor: String(totals.shippingMinor),
    discount_minor: String(totals.discountMinor),
    total_minor: String(totals.totalMinor),
    shipping_address: order.shippingAddress,
    billing_address: order.billingAddress,
    payment_method_token: order.paymentToken,
    caller: request?.caller,
    request_id: request?.requestId,
    fingerprint: request && Buffer.from(request.fingerprint).toString("hex"),
    bulk_job_id: order.bulk?.jobId,
    bulk_position: order.bulk && String(order.bulk.position),
    placed_time: order.placedTime,
    create_time: order.createTime,
    lines: order.lines.map((line) => ({
      n: line.lineNumber,
      product: line.productId,
      sku: line.sku,
      name: line.name,
      quantity: String(line.quantity),
      price: String(line.unitPriceMinor),
      overridden: line.priceOverridden,
      paid: String(line.paidMinor),
    })),
  };
}
