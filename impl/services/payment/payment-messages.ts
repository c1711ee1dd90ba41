// Payments as callers see them, and their changes as the event log keeps them.
import type { NewEvent } from "#impl/storage/events/event.ts";
import {
  PaymentEvent,
  type Payment as PaymentMessage,
  type PaymentTransaction,
} from "#proto/ecommerce/v1/payment.ts";
import { moneyToProto } from "../shared/money.ts";
import { isPending, type Payment, type Transaction } from "./payment.ts";
import type { Change } from "./payment-changes.ts";
import { stateOf } from "./payment-status.ts";

export function paymentMessage(payment: Payment): PaymentMessage {
  const { status } = payment;
  const { currency } = payment.amount;
  const authorized = status.kind === "authorized" ? status : { captured: 0n, refunded: 0n, hold: "none" };
  return {
    paymentId: payment.paymentId,
    orderId: payment.orderId,
    userId: payment.userId ?? "",
    state: stateOf(status),
    amount: moneyToProto(payment.amount),
    capturedAmount: moneyToProto({ minorUnits: authorized.captured, currency }),
    refundedAmount: moneyToProto({ minorUnits: authorized.refunded, currency }),
    card: payment.card,
    transactions: payment.transactions.map((transaction) => transactionMessage(transaction, currency)),
    pendingTransaction: payment.transactions.some(isPending),
    authorizationExpireTime: authorized.hold === "open" ? payment.expireTime : undefined,
    createTime: payment.createTime,
    updateTime: payment.updateTime,
  };
}

function transactionMessage(transaction: Transaction, currency: string): PaymentTransaction {
  return {
    transactionId: transaction.transactionId,
    kind: transaction.kind,
    state: transaction.state,
    amount: moneyToProto({ minorUnits: transaction.amount, currency }),
    providerReference: transaction.reference,
    declineCode: transaction.declineCode,
    requestId: transaction.request.requestId,
    createTime: transaction.createTime,
    settleTime: transaction.settleTime,
  };
}

const EVENT_TYPE = "payment.changed";

/** The keys by which a stream chooses its payments. */
export const paymentKey = (paymentId: string): string => `payment/${paymentId}`;
export const orderKey = (orderId: string): string => `order/${orderId}`;
export const userKey = (userId: string): string => `user/${userId}`;

export function eventOfChange({ payment, transaction }: Change): NewEvent {
  const { paymentId, orderId, userId, updateTime } = payment;
  const event: PaymentEvent = {
    payment: paymentMessage(payment),
    transaction:
      transaction === undefined ? undefined : transactionMessage(transaction, payment.amount.currency),
    snapshot: false,
    eventTime: updateTime,
  };
  const owner = userId === undefined ? [] : [userKey(userId)];
  return {
    type: EVENT_TYPE,
    keys: [paymentKey(paymentId), orderKey(orderId), ...owner],
    payload: PaymentEvent.encode(event).finish(),
  };
}
