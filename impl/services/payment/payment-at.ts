// A payment as it was at an earlier version, from its ledger: what a repeated request is answered with is what was answered first. Pure.

import { type Payment, type Transaction, TransactionState } from "./payment.ts";
import { eventOf } from "./payment-changes.ts";
import { type PaymentEvent, PENDING, transition } from "./payment-status.ts";

export function paymentAt(payment: Payment, version: bigint): Payment {
  if (version >= payment.version) return payment;
  const transactions = payment.transactions
    .filter(({ beginVersion }) => beginVersion <= version)
    .map((transaction) => transactionAt(transaction, version));
  const settled = transactions
    .flatMap((transaction) => {
      const event = eventOf(transaction);
      return event === undefined ? [] : [{ at: transaction.settleVersion ?? 0n, event }];
    })
    .concat(expiryAt(payment, version))
    .sort((one, other) => (one.at < other.at ? -1 : 1));
  let status = PENDING;
  for (const { event } of settled) {
    status = transition(status, event, payment.amount.minorUnits) ?? status;
  }
  const wasAuthorized = status.kind === "authorized";
  return {
    ...payment,
    status,
    card: wasAuthorized ? payment.card : undefined,
    authorization: wasAuthorized ? payment.authorization : undefined,
    expireTime: wasAuthorized ? payment.expireTime : undefined,
    expiredVersion: expiryAt(payment, version).length > 0 ? payment.expiredVersion : undefined,
    transactions,
    version,
    updateTime: changedAt(payment, version),
  };
}

function transactionAt(transaction: Transaction, version: bigint): Transaction {
  const { settleVersion } = transaction;
  if (settleVersion === undefined || settleVersion <= version) return transaction;
  return {
    ...transaction,
    state: TransactionState.TRANSACTION_STATE_PENDING,
    reference: "",
    declineCode: "",
    failureCode: "",
    settleVersion: undefined,
    settleTime: undefined,
  };
}

function expiryAt(
  { expiredVersion }: Payment,
  version: bigint,
): { readonly at: bigint; readonly event: PaymentEvent }[] {
  if (expiredVersion === undefined || expiredVersion > version) return [];
  return [{ at: expiredVersion, event: { kind: "expired" } }];
}

/** When the version was made: a transaction was begun or settled with it, or the hold ran out. */
function changedAt({ transactions, updateTime, expireTime }: Payment, version: bigint): Date {
  for (const { beginVersion, settleVersion, createTime, settleTime } of transactions) {
    if (beginVersion === version) return createTime;
    if (settleVersion === version) return settleTime ?? updateTime;
  }
  return expireTime ?? updateTime;
}
