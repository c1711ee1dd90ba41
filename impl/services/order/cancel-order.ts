// CancelOrder: the order goes to CANCELLING at once, and its saga goes back from wherever it is. Whoever works at the saga meets the
// changed order with its next write, and turns; so each step is either undone or was never begun.

import { CompiledQuery, type Transaction } from "kysely";
import type { Call } from "#impl/runtime/call.ts";
import { CancelOrderRequest, CancelOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { requireEtag } from "../shared/etag.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { answerTimeMs } from "./answer-time.ts";
import { type Failure, ORDER_TYPE, type Order, OrderStatus } from "./order.ts";
import { moved, storeOrder } from "./order-change.ts";
import { wrongStatus } from "./order-errors.ts";
import { orderMessage } from "./order-message.ts";
import { findOrder, lockOrder } from "./order-reads.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { transition } from "./order-status.ts";
import { waitForOrder } from "./order-wait.ts";
import type { Saga } from "./saga/saga.ts";
import type { SagaLease } from "./saga/saga-insert.ts";

const { ORDER_STATUS_CANCELLING, ORDER_STATUS_CANCELLED, ORDER_STATUS_CAPTURING } = OrderStatus;

/** How long an answer waits for CANCELLED, and before that for money that is just being taken. */
const PATIENCE_MS = 4_000;

export async function cancelOrder(
  context: OrderServiceContext,
  request: CancelOrderRequest,
  call: Call,
): Promise<CancelOrderResponse> {
  requireStorableText({ reason: request.reason }, "");
  const { events, database } = context;
  const after = await events.head(call.signal);
  const { order } = await begin(context, request, after, call);
  if (order?.status !== ORDER_STATUS_CANCELLING) return { order };
  const { orderId } = request;
  const wait = { orderId, after, timeoutMs: answerTimeMs(call, PATIENCE_MS), signal: call.signal };
  const isOver = (changed: { status: OrderStatus }): boolean => changed.status === ORDER_STATUS_CANCELLED;
  // A repeat may come long after the end.
  const now = await findOrder(database.queries, orderId, call.signal);
  if (now !== undefined && isOver(now)) return { order: orderMessage(now) };
  return { order: (await waitForOrder(context, wait, isOver)) ?? order };
}

/** Thrown where the money is just being taken: in a moment there is something to undo, or nothing. */
class BeingCaptured extends Error {}

async function begin(
  context: OrderServiceContext,
  request: CancelOrderRequest,
  head: bigint,
  call: Call,
): Promise<CancelOrderResponse> {
  const { events, sagas, requestIds } = context;
  const { requestId, orderId } = request;
  const content = CancelOrderRequest.encode({ ...request, requestId: "" }).finish();
  const once = { call, requestId, content, response: CancelOrderResponse };
  for (let after = head; ; after = await events.head(call.signal)) {
    const slot = sagas.slot();
    let ours: { readonly saga: Saga; readonly order: Order } | undefined;
    try {
      const response = await requestIds.once(once, async (transaction) => {
        ours = undefined;
        await lockSaga(transaction, orderId);
        const before = context.access.require(
          await lockOrder(transaction, orderId),
          orderId,
          call,
          "orders.write",
        );
        if (before.status === ORDER_STATUS_CANCELLING || before.status === ORDER_STATUS_CANCELLED) {
          return { order: orderMessage(before) };
        }
        requireEtag(request.etag, before.version, ORDER_TYPE, orderId);
        const order = cancelled(
          before,
          failureOf(context, request, before, call),
          new Date(context.clock.now()),
        );
        if (!(await storeOrder(transaction, before, [order])))
          throw new Error("an order changed under its lock");
        const saga = await turnSagaBack(transaction, orderId, slot && sagas.lease);
        if (saga !== undefined) ours = { saga, order };
        return { order: orderMessage(order) };
      });
      events.committed();
      if (slot === undefined || ours === undefined) sagas.wake();
      else void slot.run(ours.saga, ours.order);
      return response;
    } catch (error) {
      if (!(error instanceof BeingCaptured)) throw error;
      const wait = { orderId, after, timeoutMs: answerTimeMs(call, PATIENCE_MS), signal: call.signal };
      const captured = await waitForOrder(context, wait, ({ status }) => status !== ORDER_STATUS_CAPTURING);
      const order = captured === undefined ? await findOrder(context.database.queries, orderId) : undefined;
      if (order?.status === ORDER_STATUS_CAPTURING) throw wrongStatus(order, "cancelled");
    } finally {
      slot?.free();
    }
  }
}

function cancelled(before: Order, failure: Failure, now: Date): Order {
  if (before.status === ORDER_STATUS_CAPTURING) throw new BeingCaptured();
  if (transition(before.status, { kind: "cancel" }) === undefined) throw wrongStatus(before, "cancelled");
  return moved(before, { kind: "cancel" }, { failure }, now);
}

function failureOf(
  { access }: OrderServiceContext,
  { reason }: CancelOrderRequest,
  order: Order,
  call: Call,
): Failure {
  const byBuyer = access.isBuyer(order, call);
  return {
    reason: byBuyer ? "CANCELLED_BY_CUSTOMER" : "CANCELLED_BY_SHOP",
    message: reason === "" ? `the order was cancelled by the ${byBuyer ? "customer" : "shop"}` : reason,
    lineNumbers: [],
  };
}

/** Before the order, as whoever works at it does. */
async function lockSaga<T>(transaction: Transaction<T>, orderId: string): Promise<void> {
  await transaction.executeQuery(CompiledQuery.raw(LOCK_SAGA, [orderId]));
}

const LOCK_SAGA = "select from orders.sagas where saga_id = $1 for update";

// A saga that has ended is begun again at its end. One in the hands of somebody stays there; one that waits is taken, or becomes due.
const TURN_BACK = `
insert into orders.sagas as saga (saga_id, order_id, kind, step, undoing, holder, due_time)
values ($1, $1, 'order', 'capture', true, $2, clock_timestamp() + $3::double precision * interval '1 ms')
on conflict (saga_id) do update set undoing = true, attempts = 0,
  step = case when saga.step = 'notify' then 'capture' else saga.step end,
  data = case when saga.step = 'notify' then null else saga.data end,
  holder = coalesce(saga.holder, excluded.holder),
  due_time = case when saga.holder is null then excluded.due_time else saga.due_time end
returning step, data, failure, holder = $2 as ours`;

interface TurnedBack {
  readonly step: string;
  readonly data: unknown;
  readonly failure: Saga["failure"] | null;
  readonly ours: boolean | null;
}

/** The saga when it is in our hands now, or was before. */
async function turnSagaBack<T>(
  transaction: Transaction<T>,
  orderId: string,
  lease: SagaLease | undefined,
): Promise<Saga | undefined> {
  const query = CompiledQuery.raw(TURN_BACK, [orderId, lease?.holder ?? null, lease?.leaseMs ?? 0]);
  const { rows } = await transaction.executeQuery<TurnedBack>(query);
  const [row] = rows;
  if (row?.ours !== true) return undefined;
  const { step, data, failure } = row;
  const known = { step, data, failure: failure ?? undefined };
  return { sagaId: orderId, orderId, kind: "order", undoing: true, attempts: 0, ...known };
}
