// The payment of an order. What the provider has not answered is never guessed and never asked for a second time under another name.
import { CallError } from "#impl/client/call-error.ts";
import {
  type Payment,
  PaymentState,
  type TransactionKind,
  TransactionState,
} from "#proto/ecommerce/v1/payment.ts";
import { moneyFromProto, moneyToProto } from "../../shared/money.ts";
import type { Order } from "../order.ts";
import { orRefusal } from "./call-outcome.ts";
import { derivedId } from "./derived-id.ts";
import type { StepServices } from "./order-step.ts";
import { NotYet } from "./saga.ts";

type Payments = Pick<StepServices, "payments">;

/** Nothing to pay: then there is no payment. */
export function isFree({ totals }: Order): boolean {
  return totals.totalMinor === 0n;
}

/** Asks for it now if nobody has; a repeat finds it. Its outcome may not be known yet. */
export async function authorizedPayment(
  order: Order,
  { payments }: Payments,
  signal: AbortSignal,
): Promise<Payment | CallError> {
  const { orderId, userId = "", totals, currency, paymentToken = "" } = order;
  const request = {
    orderId,
    userId,
    amount: moneyToProto({ minorUnits: totals.totalMinor, currency }),
    source: { source: { $case: "paymentMethodToken" as const, value: paymentToken } },
    requestId: derivedId(orderId, "authorize"),
  };
  const answer = await orRefusal(payments.authorizePayment(request, { signal }));
  return answer instanceof CallError ? answer : present(answer.payment);
}

export async function paymentOf(
  paymentId: string,
  { payments }: Payments,
  signal: AbortSignal,
): Promise<Payment> {
  return present((await payments.getPayment({ paymentId }, { signal })).payment);
}

/** The payment with every outcome known. Throws NotYet while one is not, even when it is asked again. */
export async function settled(payment: Payment, services: Payments, signal: AbortSignal): Promise<Payment> {
  if (isSettled(payment)) return payment;
  const { paymentId } = payment;
  const now = await paymentOf(paymentId, services, signal);
  if (!isSettled(now)) throw new NotYet(`the provider has not answered for payment ${paymentId}`);
  return now;
}

function isSettled({ state, pendingTransaction }: Payment): boolean {
  return state !== PaymentState.PAYMENT_STATE_PENDING && !pendingTransaction;
}

/**
 * The request id of a void or a refund that must succeed some day. A new one only after the provider has said that nothing was done
 * under the one before.
 */
export function insistentId({ orderId }: Order, { transactions }: Payment, kind: TransactionKind): string {
  const inVain = transactions.filter(
    (transaction) =>
      transaction.kind === kind &&
      (transaction.state === TransactionState.TRANSACTION_STATE_DECLINED ||
        transaction.state === TransactionState.TRANSACTION_STATE_FAILED),
  );
  return derivedId(orderId, `undo/${kind}/${inVain.length}`);
}

export function capturedOf({ capturedAmount }: Payment): bigint {
  return capturedAmount === undefined ? 0n : moneyFromProto(capturedAmount, "captured_amount").minorUnits;
}

export function refundedOf({ refundedAmount }: Payment): bigint {
  return refundedAmount === undefined ? 0n : moneyFromProto(refundedAmount, "refunded_amount").minorUnits;
}

export function present(payment: Payment | undefined): Payment {
  if (payment === undefined) throw new TypeError("a payment was answered that is not there");
  return payment;
}
