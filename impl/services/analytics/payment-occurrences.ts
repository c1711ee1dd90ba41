// What the transactions of a payment are for the figures: money that was taken or given back, or a payment that was declined.
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { type PaymentTransaction, TransactionKind, TransactionState } from "#proto/ecommerce/v1/payment.ts";
import { moneyFromProto } from "../shared/money.ts";
import { type Fact, fact, type Occurrence } from "./occurrence.ts";

const { TRANSACTION_STATE_SUCCEEDED: succeeded, TRANSACTION_STATE_DECLINED: declined } = TransactionState;

export function occurrencesOfTransactions(transactions: readonly PaymentTransaction[]): Occurrence[] {
  return transactions.flatMap((transaction) => {
    const facts = factsOf(transaction);
    const { transactionId, settleTime } = transaction;
    if (facts.length === 0 || settleTime === undefined) return [];
    return [{ id: `transaction/${transactionId}`, time: settleTime.getTime(), facts }];
  });
}

function factsOf({ kind, state, amount }: PaymentTransaction): Fact[] {
  if (amount === undefined) return [];
  const { minorUnits, currency } = moneyFromProto(amount, "transaction.amount");
  if (kind === TransactionKind.TRANSACTION_KIND_CAPTURE && state === succeeded)
    return [fact(Metric.METRIC_CAPTURED, minorUnits, { currency })];
  if (kind === TransactionKind.TRANSACTION_KIND_REFUND && state === succeeded)
    return [fact(Metric.METRIC_REFUNDED, minorUnits, { currency })];
  if (kind === TransactionKind.TRANSACTION_KIND_AUTHORIZE && state === declined)
    return [fact(Metric.METRIC_DECLINED_PAYMENTS, 1n, { currency })];
  return [];
}
