// One round of reconciliation: asks the provider what became of transactions whose outcome nobody knows, and settles them by what it says.
//
// What the provider has not found is sent again under the same key. That is safe: the provider does an operation once for a key, so it does
// not matter whether the first request was lost or is still on its way, nor how many processes repeat it. It is right, since somebody was
// told that the outcome would follow. It ends when the provider may have forgotten the key: what it does not know by then it did not do, every
// request for it has long timed out, and the transaction has failed.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Random } from "#impl/runtime/ids.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { isPending, type Payment, transactionOf } from "./payment.ts";
import { recordOutcome } from "./payment-attempts.ts";
import { expire } from "./payment-changes.ts";
import type { ClaimedTransaction, PaymentClaims } from "./payment-claims.ts";
import type { PaymentStore } from "./payment-store.ts";
import { operationOf } from "./provider-operation.ts";
import type { Outcome, PaymentProvider, Unknown } from "./provider-port.ts";

export interface ReconcilerOptions {
  readonly store: PaymentStore;
  readonly claims: PaymentClaims;
  readonly provider: PaymentProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Pause after the first attempt that settled nothing; it doubles with each. Default 1 s ... */
  readonly firstPauseMs?: number;
  /** ... up to this. Default 5 min. */
  readonly longestPauseMs?: number;
  /** How long a lost request is repeated: less than the provider remembers its key. Default 20 h. */
  readonly repeatForMs?: number;
  /** How many are claimed, and asked for at once. Default 16. */
  readonly batch?: number;
}

export interface Reconciler {
  /** Claims what is due, and of `early` what is pending, and works through it; how many were claimed. */
  round(early: readonly string[], signal: AbortSignal): Promise<number>;
  readonly firstPauseMs: number;
}

/** Of a transaction that never reached the provider. */
export const NOT_RECEIVED = "not_received";

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { store, claims, provider, clock, random, log } = options;
  const { firstPauseMs = 1_000, longestPauseMs = 300_000, repeatForMs = 72_000_000, batch = 16 } = options;
  const inMs = (ms: number): Date => new Date(clock.now() + ms);
  /** Half of it is by chance, so that what failed together is not tried again together. */
  const pauseAfter = (attempts: number): number =>
    Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1)) * (0.5 + random() / 2);

  const outcomeOf = async (
    payment: Payment,
    { transactionId, createTime }: ClaimedTransaction,
    signal: AbortSignal,
  ): Promise<Outcome | Unknown> => {
    const found = await provider.find(transactionId, signal);
    if (found.kind !== "not_found") return found;
    if (clock.now() - createTime.getTime() > repeatForMs) {
      return { kind: "failed", reference: "", failureCode: NOT_RECEIVED };
    }
    return provider.execute(operationOf(payment, transactionOf(payment, transactionId)), signal);
  };

  const settleClaimed = async (claimed: ClaimedTransaction, signal: AbortSignal): Promise<void> => {
    const { transactionId, attempts } = claimed;
    const payment = await store.findByTransaction(transactionId, signal);
    if (payment === undefined || !isPending(transactionOf(payment, transactionId))) return;
    const outcome = await outcomeOf(payment, claimed, signal);
    if (outcome.kind !== "unknown") {
      await recordOutcome({ store, clock }, payment, transactionId, outcome);
      return;
    }
    log.warn(
      { paymentId: payment.paymentId, transactionId, attempts, err: outcome.cause },
      "the outcome of a payment transaction is still unknown",
    );
    await claims.postpone(transactionId, inMs(pauseAfter(attempts)), signal);
  };

  const checkHold = async (paymentId: string, signal: AbortSignal): Promise<void> => {
    const payment = await store.find(paymentId, signal);
    if (payment?.authorization === undefined) return;
    const hold = await provider.holdOf(payment.authorization, signal);
    if (hold.kind === "expired") {
      const now = new Date(clock.now());
      if ((await store.change(payment, (current) => expire(current, now), signal)) !== undefined) return;
    }
    if (hold.kind === "released") {
      log.error({ paymentId }, "the provider has let go of an amount that the books hold");
    }
    const soon = hold.kind === "unknown" || payment.transactions.some(isPending);
    await claims.postponeHold(paymentId, inMs(soon ? firstPauseMs : longestPauseMs), signal);
  };

  /** One that fails keeps its lease, and is claimed again when that is over. */
  const logged = async (about: object, work: Promise<void>, signal: AbortSignal): Promise<void> => {
    try {
      await work;
    } catch (error) {
      if (!signal.aborted) log.error({ ...about, err: error }, "a payment could not be reconciled");
    }
  };

  return {
    firstPauseMs,
    async round(early, signal) {
      const claim = { now: inMs(0), leaseUntil: inMs(store.leaseMs), limit: batch };
      const transactions = await claims.transactions(claim, early, signal);
      const holds = await claims.holds(claim, signal);
      await Promise.all([
        ...transactions.map((claimed) => {
          const { transactionId } = claimed;
          return logged({ transactionId }, settleClaimed(claimed, signal), signal);
        }),
        ...holds.map((paymentId) => logged({ paymentId }, checkHold(paymentId, signal), signal)),
      ]);
      return transactions.length + holds.length;
    },
  };
}
