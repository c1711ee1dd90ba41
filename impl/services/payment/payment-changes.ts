// The changes of a payment, pure: each takes a payment and gives the next version of it. A transaction is begun before the provider is asked
// and settled by what it said, once: whoever settles it again, worker, webhook or the call itself, changes nothing.

import {
  AUTHORIZE,
  CAPTURE,
  isPending,
  type Payment,
  REFUND,
  type Transaction,
  TransactionState,
  transactionOf,
  VOID,
} from "./payment.ts";
import { BooksMismatch } from "./payment-errors.ts";
import { type PaymentEvent, PENDING, transition } from "./payment-status.ts";
import type { Outcome } from "./provider-port.ts";

/** A payment as it is after a change, and the transaction that made the change; none did when time ran out. */
export interface Change {
  readonly payment: Payment;
  readonly transaction: Transaction | undefined;
}

/** A change that a transaction made. */
export interface TransactionChange extends Change {
  readonly transaction: Transaction;
}

export type NewPayment = Pick<Payment, "paymentId" | "orderId" | "userId" | "amount">;

export type NewTransaction = Pick<Transaction, "transactionId" | "kind" | "amount" | "request"> &
  Partial<Pick<Transaction, "final" | "reason" | "token">>;

export function open(
  payment: NewPayment,
  authorization: Pick<Transaction, "transactionId" | "request" | "token">,
  now: Date,
): TransactionChange {
  const empty: Payment = {
    ...payment,
    status: PENDING,
    card: undefined,
    authorization: undefined,
    expireTime: undefined,
    expiredVersion: undefined,
    transactions: [],
    version: 0n,
    createTime: now,
    updateTime: now,
  };
  return begin(empty, { ...authorization, kind: AUTHORIZE, amount: payment.amount.minorUnits }, now);
}

export function begin(payment: Payment, asked: NewTransaction, now: Date): TransactionChange {
  const version = payment.version + 1n;
  const transaction: Transaction = {
    final: false,
    reason: "",
    token: undefined,
    ...asked,
    state: TransactionState.TRANSACTION_STATE_PENDING,
    reference: "",
    declineCode: "",
    failureCode: "",
    beginVersion: version,
    settleVersion: undefined,
    createTime: now,
    settleTime: undefined,
  };
  const transactions = [...payment.transactions, transaction];
  return { payment: { ...payment, transactions, version, updateTime: now }, transaction };
}

/** Undefined when it is settled already. Throws BooksMismatch when it cannot have ended so. */
export function settle(
  payment: Payment,
  transactionId: string,
  outcome: Outcome,
  now: Date,
): TransactionChange | undefined {
  const begun = transactionOf(payment, transactionId);
  if (!isPending(begun)) return undefined;
  const version = payment.version + 1n;
  const transaction: Transaction = {
    ...begun,
    ...endOf(outcome),
    reference: outcome.reference,
    token: undefined,
    settleVersion: version,
    settleTime: now,
  };
  const event = eventOf(transaction);
  const status =
    event === undefined ? payment.status : transition(payment.status, event, payment.amount.minorUnits);
  if (status === undefined) {
    throw new BooksMismatch(payment.paymentId, `transaction ${transactionId} ended in ${outcome.kind}`);
  }
  const terms = outcome.kind === "succeeded" ? outcome.authorization : undefined;
  const authorized =
    transaction.kind === AUTHORIZE && terms !== undefined
      ? { ...terms, authorization: outcome.reference }
      : {};
  const transactions = payment.transactions.map((each) => (each === begun ? transaction : each));
  return {
    payment: { ...payment, ...authorized, status, transactions, version, updateTime: now },
    transaction,
  };
}

/** Undefined when nothing is held, or when a pending transaction must be settled first. */
export function expire(payment: Payment, now: Date): Change | undefined {
  if (payment.transactions.some(isPending)) return undefined;
  const status = transition(payment.status, { kind: "expired" }, payment.amount.minorUnits);
  if (status === undefined) return undefined;
  const version = payment.version + 1n;
  return {
    payment: { ...payment, status, version, expiredVersion: version, updateTime: now },
    transaction: undefined,
  };
}

/** What a settled transaction means for its payment; undefined when it changes nothing. */
export function eventOf({ kind, state, amount, final }: Transaction): PaymentEvent | undefined {
  const {
    TRANSACTION_STATE_SUCCEEDED: succeeded,
    TRANSACTION_STATE_DECLINED: declined,
    TRANSACTION_STATE_PENDING: pending,
  } = TransactionState;
  if (state === pending) return undefined;
  if (state !== succeeded) {
    if (kind !== AUTHORIZE) return undefined;
    return { kind: state === declined ? "declined" : "failed" };
  }
  switch (kind) {
    case AUTHORIZE:
      return { kind: "authorized" };
    case CAPTURE:
      return { kind: "captured", amount, final };
    case VOID:
      return { kind: "voided" };
    case REFUND:
      return { kind: "refunded", amount };
    default:
      throw new RangeError(`transaction kind ${kind}: is none`);
  }
}

function endOf(outcome: Outcome): Pick<Transaction, "state"> & Partial<Transaction> {
  switch (outcome.kind) {
    case "succeeded":
      return { state: TransactionState.TRANSACTION_STATE_SUCCEEDED };
    case "declined":
      return { state: TransactionState.TRANSACTION_STATE_DECLINED, declineCode: outcome.declineCode };
    case "failed":
      return { state: TransactionState.TRANSACTION_STATE_FAILED, failureCode: outcome.failureCode };
  }
}
