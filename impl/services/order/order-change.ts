// The only way to change an order that is stored: the next version of it is made in memory, and written if nobody else has changed
// the order meanwhile. Whoever decides by what is stored either holds the row's lock or lets the version decide.
import { CompiledQuery, type Kysely, type Transaction } from "kysely";
import { eventInsertion, eventParameters } from "#impl/storage/events/event-insertion.ts";
import type { Order, OrderLine } from "./order.ts";
import { ORDER_TYPE } from "./order.ts";
import { orderEvent } from "./order-event.ts";
import { ordersSchema } from "./order-row.ts";
import { type StatusEvent, statusName, transition } from "./order-status.ts";

/** What can change after an order was stored. */
export type OrderChange = Partial<
  Pick<
    Order,
    | "failure"
    | "lines"
    | "capturedMinor"
    | "refundedMinor"
    | "paymentToken"
    | "paymentId"
    | "reservationId"
    | "shipments"
  >
>;

/** Throws when the event cannot happen in the order's state: callers ask `transition` first where that is a caller's mistake. */
export function moved(before: Order, event: StatusEvent, change: OrderChange, now: Date): Order {
  const status = transition(before.status, event);
  if (status === undefined) {
    throw new TypeError(`${ORDER_TYPE} ${before.orderId}: ${event.kind} in ${statusName(before.status)}`);
  }
  const statusBeforeRefund = event.kind === "refund" ? before.status : undefined;
  return { ...changed(before, change, now), status, statusBeforeRefund };
}

/** The next version, in the same state. */
export function changed(before: Order, change: OrderChange, now: Date): Order {
  return { ...before, ...change, version: before.version + 1n, updateTime: now };
}

/** What becomes of the saga that changes the order, if it is one; see saga/saga-store.ts. */
export interface SagaMove {
  readonly sagaId: string;
  readonly holder: string;
  /** The step that begins now. Undefined: the saga has ended. */
  readonly step: string | undefined;
}

/**
 * Writes the last of the versions that follow `before`, without its lines, and an event for each: one statement, which needs no other
 * transaction. False when nothing was written, since the order is no longer at the version `before` or `saga` no longer in the hands of
 * its holder. Who locks both rows locks the saga's first.
 */
export async function storeOrder<T>(
  queries: Kysely<T>,
  before: Order,
  versions: readonly [Order, ...Order[]],
  saga?: SagaMove,
): Promise<boolean> {
  const after = versions.at(-1) ?? versions[0];
  const events = versions.map((version, index) =>
    orderEvent(version, (versions[index - 1] ?? before).status),
  );
  const parameters = [...columnsOf(before, after), ...eventParameters(events, after.updateTime)];
  if (saga !== undefined) parameters.push(saga.sagaId, saga.holder);
  if (saga?.step !== undefined) parameters.push(saga.step);
  const text = saga === undefined ? CHANGE : saga.step === undefined ? CHANGE_AND_END : CHANGE_AND_MOVE;
  const { rows } = await queries.executeQuery(CompiledQuery.raw(text, parameters));
  return rows.length === 1;
}

function columnsOf(before: Order, after: Order): unknown[] {
  return [
    before.orderId,
    before.version,
    after.status,
    after.failure && JSON.stringify(after.failure),
    after.capturedMinor,
    after.refundedMinor,
    after.paymentToken,
    after.paymentId,
    after.reservationId,
    JSON.stringify(after.shipments),
    after.statusBeforeRefund,
    after.version,
    after.updateTime,
  ];
}

const UPDATE = `
update orders.orders set status = $3, failure = $4::jsonb, captured_minor = $5, refunded_minor = $6, payment_method_token = $7,
  payment_id = $8, reservation_id = $9, shipments = $10::jsonb, status_before_refund = $11, version = $12, update_time = $13
where order_id = $1 and version = $2`;

const TELL = eventInsertion({
  schema: ordersSchema.schema,
  firstParameter: 14,
  joined: "cross join changed",
});

// Each part takes its rows from the one before it, so that they lock in this order, and none writes unless all before it have.
const CHANGE = `
with changed as (${UPDATE} returning order_id), told as (${TELL})
select order_id from changed`;

const WITH_SAGA = `
with held as (
  select saga_id from orders.sagas where saga_id = $18 and holder = $19 for update
), changed as (
  ${UPDATE} and exists (select from held) returning order_id
), told as (${TELL})`;

const CHANGE_AND_MOVE = `${WITH_SAGA}, moved as (
  update orders.sagas set step = $20, attempts = 0 from changed where saga_id = $18
)
select order_id from changed`;

const CHANGE_AND_END = `${WITH_SAGA}, ended as (
  delete from orders.sagas using changed where saga_id = $18
)
select order_id from changed`;

/** Writes the lines of `after` that differ. The database refuses what a line cannot bear. */
export async function storeLines<T>(
  transaction: Transaction<T>,
  before: Pick<Order, "lines">,
  after: Pick<Order, "orderId" | "lines">,
): Promise<void> {
  const differing = after.lines.filter((line, index) => line !== before.lines[index]);
  if (differing.length === 0) return;
  const records = JSON.stringify(differing.map(lineRecord));
  await transaction.executeQuery(CompiledQuery.raw(UPDATE_LINES, [after.orderId, records]));
}

function lineRecord(line: OrderLine) {
  return {
    n: line.lineNumber,
    requested: String(line.requestedQuantity),
    returned: String(line.returnedQuantity),
    withdrawn: String(line.withdrawnQuantity),
    refunding: String(line.refundingQuantity),
    refunding_minor: String(line.refundingMinor),
    refunded: String(line.refundedQuantity),
    refunded_minor: String(line.refundedMinor),
  };
}

const UPDATE_LINES = `
update orders.order_lines as line set requested_quantity = given.requested, returned_quantity = given.returned,
  withdrawn_quantity = given.withdrawn, refunding_quantity = given.refunding, refunding_minor = given.refunding_minor,
  refunded_quantity = given.refunded, refunded_minor = given.refunded_minor
from jsonb_to_recordset($2::jsonb) as given (n integer, requested bigint, returned bigint, withdrawn bigint, refunding bigint,
  refunding_minor bigint, refunded bigint, refunded_minor bigint)
where line.order_id = $1 and line.line_number = given.n`;
