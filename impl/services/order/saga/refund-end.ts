// The end of a refund in the books: the order, its lines, the refund with its answer and the saga, in one transaction. Other refunds
// of the order may be under way; the last one to end leads out of REFUNDING.
import { inTransaction } from "#impl/storage/transaction.ts";
import { RefundOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { moneyToProto } from "../../shared/money.ts";
import { type Order, OrderStatus } from "../order.ts";
import { changed, moved, type OrderChange, storeLines, storeOrder } from "../order-change.ts";
import { orderMessage } from "../order-message.ts";
import { lockOrder } from "../order-reads.ts";
import { isRefunding, linesNotRefunded, linesRefunded } from "../refund.ts";
import { type Refund, type RefundFailure, settleRefund } from "../refund-store.ts";
import type { OrderSagaContext } from "./order-saga.ts";
import { Overtaken, type SagaTask } from "./saga.ts";

/** `failure`: the provider refused. `step` begins now; undefined ends the saga, and then the result is undefined. */
export async function endRefund(
  { saga }: SagaTask,
  refund: Refund,
  failure: RefundFailure | undefined,
  step: string | undefined,
  { database, events, clock, holder }: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const after = await inTransaction(database, async (transaction) => {
    const now = new Date(clock.now());
    const before = await lockOrder(transaction, refund.orderId);
    const order = failure === undefined ? done(before, refund, now) : failed(before, refund, now);
    const stored = await storeOrder(transaction, before, [order], { sagaId: saga.sagaId, holder, step });
    if (!stored) throw new Overtaken(refund.orderId);
    await storeLines(transaction, before, order);
    const outcome =
      failure === undefined
        ? ({ state: "succeeded", answer: answerOf(order, refund) } as const)
        : ({ state: "failed", failure: { reason: failure.reason, message: failure.message } } as const);
    await settleRefund(transaction, refund.refundId, outcome, now);
    return order;
  });
  events.committed();
  return step === undefined ? undefined : { order: after, saga: { ...saga, step, attempts: 0 } };
}

function done(order: Order, { lines, amountMinor }: Refund, now: Date): Order {
  const refundedMinor = order.refundedMinor + amountMinor;
  const change: OrderChange = { lines: linesRefunded(order, lines), refundedMinor };
  if (!isRefunding(change.lines ?? [])) {
    return moved(order, { kind: "refunded", all: refundedMinor === order.capturedMinor }, change, now);
  }
  // Should all the others fail, this one has not.
  const statusBeforeRefund = OrderStatus.ORDER_STATUS_PARTIALLY_REFUNDED;
  return { ...changed(order, change, now), statusBeforeRefund };
}

function failed(order: Order, { lines }: Refund, now: Date): Order {
  const change: OrderChange = { lines: linesNotRefunded(order, lines) };
  const { statusBeforeRefund: before } = order;
  if (before === undefined || isRefunding(change.lines ?? [])) return changed(order, change, now);
  return moved(order, { kind: "refund_failed", before }, change, now);
}

function answerOf(order: Order, { amountMinor: minorUnits }: Refund): Uint8Array {
  const refundedAmount = moneyToProto({ minorUnits, currency: order.currency });
  return RefundOrderResponse.encode({ order: orderMessage(order), refundedAmount }).finish();
}
