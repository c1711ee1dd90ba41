// What a payment is: the money of one payer for one order, and everything that was asked of the provider for it. The transactions are the
// ledger; the status is what follows from those that are settled.
import { TransactionKind, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import type { Money } from "../shared/money.ts";
import type { RecordKey } from "../shared/request-id.ts";
import type { PaymentStatus } from "./payment-status.ts";

export { TransactionKind, TransactionState };

export const PAYMENT_TYPE = "ecommerce.v1.Payment";

export const {
  TRANSACTION_KIND_AUTHORIZE: AUTHORIZE,
  TRANSACTION_KIND_CAPTURE: CAPTURE,
  TRANSACTION_KIND_VOID: VOID,
  TRANSACTION_KIND_REFUND: REFUND,
} = TransactionKind;

export interface Payment {
  readonly paymentId: string;
  readonly orderId: string;
  /** Undefined for a guest. */
  readonly userId: string | undefined;
  /** What was asked to be authorized. */
  readonly amount: Money;
  readonly status: PaymentStatus;
  /** Known once it is authorized, like the two that follow. */
  readonly card: Card | undefined;
  /** The provider's id of the authorization. */
  readonly authorization: string | undefined;
  readonly expireTime: Date | undefined;
  /** The version that its expiry made. */
  readonly expiredVersion: bigint | undefined;
  /** In the order in which they were begun. */
  readonly transactions: readonly Transaction[];
  /** Grows by one with every change. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** As much of a card as may be kept and shown. */
export interface Card {
  readonly brand: string;
  readonly lastFour: string;
  readonly expiryMonth: number;
  readonly expiryYear: number;
}

/** One exchange with the provider, which knows it by its id: recorded before the provider is asked, settled when it has answered. */
export interface Transaction {
  readonly transactionId: string;
  readonly kind: TransactionKind;
  readonly state: TransactionState;
  /** Minor units of the payment's currency. */
  readonly amount: bigint;
  /** Of a capture: whether what is then still held is let go. */
  readonly final: boolean;
  /** Of a refund, for the record. */
  readonly reason: string;
  /** The provider's id of it; empty while it has not answered. */
  readonly reference: string;
  readonly declineCode: string;
  readonly failureCode: string;
  /** The request that asked for it: a repeat is known by it. */
  readonly request: RecordKey;
  /** What an authorization is paid with; forgotten when it is settled. */
  readonly token: string | undefined;
  /** Versions of the payment. */
  readonly beginVersion: bigint;
  readonly settleVersion: bigint | undefined;
  readonly createTime: Date;
  readonly settleTime: Date | undefined;
}

export function isPending({ state }: Transaction): boolean {
  return state === TransactionState.TRANSACTION_STATE_PENDING;
}

export function transactionOf(payment: Payment, transactionId: string): Transaction {
  const found = payment.transactions.find((transaction) => transaction.transactionId === transactionId);
  if (found === undefined)
    throw new Error(`payment ${payment.paymentId} has no transaction ${transactionId}`);
  return found;
}

/** Amounts that are asked for and may be taken already: nobody else can have them. */
export interface PendingAmounts {
  readonly capture: bigint;
  readonly refund: bigint;
  /** Whether something is under way that lets go of what is held. */
  readonly closing: boolean;
}

export function pendingAmounts({ transactions }: Pick<Payment, "transactions">): PendingAmounts {
  let [capture, refund, closing] = [0n, 0n, false];
  for (const transaction of transactions) {
    if (!isPending(transaction)) continue;
    if (transaction.kind === CAPTURE) capture += transaction.amount;
    if (transaction.kind === REFUND) refund += transaction.amount;
    if (transaction.kind === VOID || transaction.final) closing = true;
  }
  return { capture, refund, closing };
}
