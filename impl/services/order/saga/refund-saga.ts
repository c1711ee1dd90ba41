// A refund that RefundOrder has begun: the money is given back, then what can be sold again is put into stock, then the customer is
// told. It goes only forward: until the provider has answered nothing is known, and what it refuses has had no effect.
import { CallError } from "#impl/client/call-error.ts";
import { type Payment, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import { moneyToProto } from "../../shared/money.ts";
import type { Order } from "../order.ts";
import { findRefund, type Refund, type RefundFailure } from "../refund-store.ts";
import { orRefusal } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import { NOTIFY } from "./notify.ts";
import { paymentOf, present } from "./order-payment.ts";
import type { OrderSagaContext } from "./order-saga.ts";
import { endRefund } from "./refund-end.ts";
import { refused } from "./refused.ts";
import { restock } from "./return-saga.ts";
import { NotYet, type SagaRun } from "./saga.ts";

/** The steps after the money is given back. */
const RESTOCK = "restock";

export async function runRefundSaga(run: SagaRun, context: OrderSagaContext): Promise<void> {
  const refund = await findRefund(context.database.queries, run.task.saga.sagaId);
  if (refund === undefined) throw new TypeError(`refund ${run.task.saga.sagaId} is not there`);
  if (run.task.saga.step === "") {
    const failure = await giveBack(run.task.order, refund, context, run.signal);
    const back = goodsOf(refund);
    const told = failure === undefined && context.notices?.concerns(run.task.order) === true;
    const next = failure === undefined && back.length > 0 ? RESTOCK : told ? NOTIFY : undefined;
    const after = await endRefund(run.task, refund, failure, next, context);
    if (after === undefined) return;
    run.task = after;
  }
  if (run.task.saga.step === RESTOCK) await restock(run, goodsOf(refund), context);
  await context.notices?.tell(run.task, "order.refunded", run.signal);
  await context.store.end(run.task.saga);
}

/** Why the provider will not, or undefined when it has. Throws NotYet while it has not answered. */
async function giveBack(
  { paymentId = "", currency }: Order,
  { refundId, amountMinor, reason }: Refund,
  { services }: OrderSagaContext,
  signal: AbortSignal,
): Promise<RefundFailure | undefined> {
  if (amountMinor === 0n) return undefined;
  const requestId = derivedId(refundId, "refund");
  const amount = moneyToProto({ minorUnits: amountMinor, currency });
  const answer = await orRefusal(
    services.payments.refundPayment({ paymentId, amount, reason, requestId }, { signal }),
  );
  if (answer instanceof CallError) return refused(answer, "fail", "the payment was not refunded");
  let state = stateOf(present(answer.payment), requestId);
  if (state === TransactionState.TRANSACTION_STATE_PENDING) {
    state = stateOf(await paymentOf(paymentId, services, signal), requestId);
  }
  if (state === TransactionState.TRANSACTION_STATE_PENDING) {
    throw new NotYet(`the provider has not answered for refund ${refundId}`);
  }
  if (state === TransactionState.TRANSACTION_STATE_SUCCEEDED) return undefined;
  return { reason: "REFUND_REFUSED", message: "the payment was not refunded" };
}

function stateOf({ paymentId, transactions }: Payment, requestId: string): TransactionState {
  const ours = transactions.find((transaction) => transaction.requestId === requestId);
  if (ours === undefined) throw new TypeError(`payment ${paymentId} knows nothing of request ${requestId}`);
  return ours.state;
}

function goodsOf({ lines }: Refund): (readonly [number, string])[] {
  return lines
    .filter(({ restock: back }) => back)
    .map(({ lineNumber, quantity }) => [lineNumber, String(quantity)] as const);
}
