// RefundOrder: what is to be given back is settled and kept under the order's lock, then a saga gives it back. The answer waits for
// the provider a while; the first answer that tells the end is kept, and given to every repeat.
import type { Call } from "#impl/runtime/call.ts";
import { failedPrecondition } from "#impl/runtime/rpc-error.ts";
import { StorageError } from "#impl/storage/errors.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { RefundOrderRequest, RefundOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { requireEtag } from "../shared/etag.ts";
import { moneyToProto } from "../shared/money.ts";
import { recordKeyOf, requestIdReused } from "../shared/request-id.ts";
import { requireStorableText } from "../shared/storable-text.ts";
import { answerTimeMs, settledWithin } from "./answer-time.ts";
import { ORDER_TYPE, type Order, OrderStatus } from "./order.ts";
import { callerOf } from "./order-access.ts";
import { changed, moved, storeLines, storeOrder } from "./order-change.ts";
import { refusedByOrder, wrongStatus } from "./order-errors.ts";
import type { OrderRequest } from "./order-insert.ts";
import { orderMessage } from "./order-message.ts";
import { findOrder, lockOrder } from "./order-reads.ts";
import type { OrderServiceContext } from "./order-service.ts";
import { transition } from "./order-status.ts";
import { waitForOrder } from "./order-wait.ts";
import { LineBusy, linesUnderRefund, planRefund, refundTotal } from "./refund.ts";
import { findRefund, findRefundByRequest, insertRefund, type Refund } from "./refund-store.ts";
import type { Saga } from "./saga/saga.ts";
import { insertSaga, type SagaLease } from "./saga/saga-insert.ts";

/** How long an answer waits for the provider, and for another refund of the same line. */
const PATIENCE_MS = 5_000;

export async function refundOrder(
  context: OrderServiceContext,
  request: RefundOrderRequest,
  call: Call,
): Promise<RefundOrderResponse> {
  requireStorableText({ reason: request.reason }, "");
  const { events, database } = context;
  const content = RefundOrderRequest.encode({ ...request, requestId: "" }).finish();
  const { requestId, fingerprint } = recordKeyOf({ call, requestId: request.requestId, content });
  const identity = { caller: callerOf(call), requestId, fingerprint };
  const after = await events.head(call.signal);
  const known = await findRefundByRequest(database.queries, identity.caller, requestId, call.signal);
  const refund = known ?? (await begin(context, request, identity, after, call));
  if ("fingerprint" in refund && !Buffer.from(refund.fingerprint).equals(fingerprint)) {
    throw requestIdReused(requestId);
  }
  return await answer(context, refund, after, call);
}

/** Begins the refund; or finds it, when the same request has begun it meanwhile. */
async function begin(
  context: OrderServiceContext,
  request: RefundOrderRequest,
  identity: OrderRequest,
  head: bigint,
  call: Call,
): Promise<Refund & { readonly fingerprint?: Uint8Array }> {
  const { sagas, events, database } = context;
  for (let after = head; ; after = await events.head(call.signal)) {
    const slot = sagas.slot();
    try {
      const begun = await write(context, request, identity, slot && sagas.lease, call);
      events.committed();
      if (slot === undefined) sagas.wake();
      else
        await settledWithin(
          context.clock,
          slot.run(begun.saga, begun.order),
          answerTimeMs(call, PATIENCE_MS),
        );
      return begun.refund;
    } catch (error) {
      if (error instanceof StorageError && error.constraint === "refunds_caller_request_id_key") {
        const { caller, requestId } = identity;
        const known = await findRefundByRequest(database.queries, caller, requestId, call.signal);
        if (known !== undefined) return known;
      }
      if (!(error instanceof LineBusy)) throw error;
      const wait = {
        orderId: request.orderId,
        after,
        timeoutMs: answerTimeMs(call, PATIENCE_MS),
        signal: call.signal,
      };
      const ended = await waitForOrder(context, wait, () => true);
      if (ended === undefined) throw failedPrecondition("REFUND_UNDER_WAY", request.orderId, error.message);
    } finally {
      slot?.free();
    }
  }
}

interface Begun {
  readonly refund: Refund;
  readonly order: Order;
  readonly saga: Saga;
}

async function write(
  { database, clock, intake }: OrderServiceContext,
  request: RefundOrderRequest,
  identity: OrderRequest,
  lease: SagaLease | undefined,
  { signal }: Call,
): Promise<Begun> {
  return await inTransaction(
    database,
    async (transaction) => {
      const now = new Date(clock.now());
      const before = await lockOrder(transaction, request.orderId);
      requireEtag(request.etag, before.version, ORDER_TYPE, before.orderId);
      const under = before.status === OrderStatus.ORDER_STATUS_REFUNDING;
      if (!under && transition(before.status, { kind: "refund" }) === undefined)
        throw wrongStatus(before, "refunded");
      if (before.capturedMinor === 0n) {
        throw refusedByOrder(before, "NOTHING_CAPTURED", "there is nothing to give back: the order was free");
      }
      const lines = planRefund(before, request.lines);
      const change = { lines: linesUnderRefund(before, lines) };
      const order = under ? changed(before, change, now) : moved(before, { kind: "refund" }, change, now);
      if (!(await storeOrder(transaction, before, [order])))
        throw new Error("an order changed under its lock");
      await storeLines(transaction, before, order);
      const { orderId } = order;
      const refund = {
        refundId: intake.newId(),
        orderId,
        lines,
        amountMinor: refundTotal(lines),
        reason: request.reason,
      };
      await insertRefund(transaction, refund, identity, now);
      const saga = await insertSaga(transaction, { sagaId: refund.refundId, orderId, kind: "refund" }, lease);
      return { refund: { ...refund, outcome: { state: "pending" } }, order, saga };
    },
    { signal },
  );
}

async function answer(
  context: OrderServiceContext,
  { refundId, orderId }: Refund,
  after: bigint,
  call: Call,
): Promise<RefundOrderResponse> {
  const { queries } = context.database;
  let refund = await findRefund(queries, refundId);
  if (refund?.outcome.state === "pending") {
    const wait = { orderId, after, timeoutMs: answerTimeMs(call, PATIENCE_MS), signal: call.signal };
    await waitForOrder(context, wait, async () => {
      refund = await findRefund(queries, refundId);
      return refund?.outcome.state !== "pending";
    });
  }
  const order = await findOrder(queries, orderId, call.signal);
  if (refund === undefined || order === undefined)
    throw new Error(`refund ${refundId} or its order is not there`);
  switch (refund.outcome.state) {
    case "succeeded":
      return RefundOrderResponse.decode(refund.outcome.answer);
    case "failed":
      throw refusedByOrder(order, refund.outcome.failure.reason, refund.outcome.failure.message);
    case "pending": {
      const refundedAmount = moneyToProto({ minorUnits: refund.amountMinor, currency: order.currency });
      return { order: orderMessage(order), refundedAmount };
    }
  }
}
