// One attempt of a transaction: it is recorded and committed, the provider is asked with no database transaction open, and what it said is
// recorded. Invariant: for one transaction the provider is asked once at a time by a process, and always under the same key. A crash or a
// timeout in between leaves the transaction pending; reconciliation settles it.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { isPending, type Payment, type Transaction, TransactionState, transactionOf } from "./payment.ts";
import { paymentAt } from "./payment-at.ts";
import { settle } from "./payment-changes.ts";
import { transactionError } from "./payment-errors.ts";
import type { PaymentStore } from "./payment-store.ts";
import { operationOf } from "./provider-operation.ts";
import type { Outcome, PaymentProvider } from "./provider-port.ts";

export interface AttemptOptions {
  readonly store: PaymentStore;
  readonly provider: PaymentProvider;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told when an outcome is unknown, so that reconciliation need not wait for its next round. */
  readonly onUnknown?: (transaction: Transaction) => void;
}

export interface Attempts {
  /**
   * Asks the provider for a transaction that was just begun, and answers as `answer` does. Goes on when the caller has gone: the outcome is
   * worth knowing all the same.
   */
  attempt(payment: Payment, transaction: Transaction): Promise<Payment>;
  /**
   * What the request of the transaction is answered with, the first time and every other time: the payment as it stood when the transaction
   * had succeeded, the error it ended with, or the payment as it is while nobody knows. An attempt under way in this process is waited for.
   */
  answer(payment: Payment, transaction: Transaction): Promise<Payment>;
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
}

export function createAttempts(options: AttemptOptions): Attempts {
  const { store, provider, log, onUnknown } = options;
  const underWay = new Map<string, Promise<Payment>>();

  const run = async (begun: Payment, transaction: Transaction): Promise<Payment> => {
    const { transactionId } = transaction;
    const outcome = await provider.execute(operationOf(begun, transaction));
    if (outcome.kind === "unknown") {
      log.warn(
        { paymentId: begun.paymentId, transactionId, err: outcome.cause },
        "the outcome of a payment transaction is unknown",
      );
      onUnknown?.(transaction);
      return begun;
    }
    return recordOutcome(options, begun, transactionId, outcome);
  };

  const answerOf = (payment: Payment, { transactionId }: Transaction): Payment => {
    const transaction = transactionOf(payment, transactionId);
    if (isPending(transaction)) return payment;
    if (transaction.state !== TransactionState.TRANSACTION_STATE_SUCCEEDED) {
      throw transactionError(payment, transaction);
    }
    return paymentAt(payment, transaction.settleVersion ?? payment.version);
  };

  return {
    async attempt(payment, transaction) {
      const attempt = run(payment, transaction).finally(() => underWay.delete(transaction.transactionId));
      underWay.set(transaction.transactionId, attempt);
      return answerOf(await attempt, transaction);
    },
    async answer(payment, transaction) {
      if (!isPending(transaction)) return answerOf(payment, transaction);
      // An attempt that has just ended did so after the payment was read.
      const known = underWay.get(transaction.transactionId) ?? store.find(payment.paymentId);
      return answerOf((await known) ?? payment, transaction);
    },
    async idle() {
      await Promise.allSettled(underWay.values());
    },
  };
}

/** The payment with the transaction settled, whoever settled it. */
export async function recordOutcome(
  { store, clock }: Pick<AttemptOptions, "store" | "clock">,
  payment: Payment,
  transactionId: string,
  outcome: Outcome,
): Promise<Payment> {
  const now = new Date(clock.now());
  const change = await store.change(payment, (current) => settle(current, transactionId, outcome, now));
  if (change !== undefined) return change.payment;
  return (await store.find(payment.paymentId)) ?? payment;
}
