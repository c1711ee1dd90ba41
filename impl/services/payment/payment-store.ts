// Payments in PostgreSQL: reads, lists, and changes that are atomic with their events. A change is decided on what was read and saved if that
// is still so; when somebody was faster it is decided again under a lock on the payment, so that it always gets through.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import { StorageError } from "#impl/storage/errors.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { requestIdReused } from "../shared/request-id.ts";
import type { Payment } from "./payment.ts";
import type { Change, TransactionChange } from "./payment-changes.ts";
import { listPage, type PaymentPage } from "./payment-pages.ts";
import { createPaymentReads, lockPayment, type PaymentReads } from "./payment-reads.ts";
import type { PaymentTables } from "./payment-tables.ts";
import { insertPayment, saveChange } from "./payment-writes.ts";

export interface PaymentStoreOptions {
  readonly clock: Clock;
  /** Of the schema "payments". */
  readonly events: Pick<EventLog, "committed">;
  /**
   * How long whoever asks the provider has to record the answer, before others ask what became of it. Longer than the provider's timeout.
   * Default 20 s.
   */
  readonly leaseMs?: number;
}

export interface PaymentStore extends PaymentReads {
  readonly leaseMs: number;
  list(page: PaymentPage, signal: AbortSignal): Promise<readonly Payment[]>;
  /** False when the request of its authorization is known: then nothing was written. */
  open(change: TransactionChange, signal: AbortSignal): Promise<boolean>;
  /**
   * `decide` gives the next version of the payment, or undefined to leave it; it may be called again with a newer payment than this one.
   * Returns what was saved, and undefined when nothing was. Throws what `decide` throws.
   */
  change<C extends Change>(
    payment: Payment,
    decide: (payment: Payment) => C | undefined,
    signal?: AbortSignal,
  ): Promise<C | undefined>;
}

export const DEFAULT_LEASE_MS = 20_000;

export function createPaymentStore(database: Database<unknown>, options: PaymentStoreOptions): PaymentStore {
  const { clock, events, leaseMs = DEFAULT_LEASE_MS } = options;
  const payments = database.typed<PaymentTables>();
  const { queries } = payments;
  const reads = createPaymentReads(queries);
  const dueTime = (): Date => new Date(clock.now() + leaseMs);

  const saveLocked = async <C extends Change>(
    paymentId: string,
    decide: (payment: Payment) => C | undefined,
    options: { readonly signal?: AbortSignal },
  ): Promise<C | undefined> =>
    inTransaction(
      payments,
      async (transaction) => {
        const payment = await lockPayment(transaction, paymentId);
        const change = payment === undefined ? undefined : decide(payment);
        if (change === undefined || (await saveChange(transaction, change, dueTime()))) return change;
        throw new Error(`payment ${paymentId} changed under its lock`);
      },
      options,
    );

  return {
    ...reads,
    leaseMs,
    list: (page, signal) => listPage(queries, page, signal),
    async open(change, signal) {
      const opened = await insertPayment(queries, change, dueTime(), { signal });
      if (opened) events.committed();
      return opened;
    },
    async change(payment, decide, signal) {
      const change = decide(payment);
      if (change === undefined) return undefined;
      const options = signal === undefined ? {} : { signal };
      const knownRequest = reusedRequest(change.transaction?.request.requestId);
      const isSaved = await saveChange(queries, change, dueTime(), options).catch(knownRequest);
      const saved = isSaved
        ? change
        : await saveLocked(payment.paymentId, decide, options).catch(knownRequest);
      if (saved !== undefined) events.committed();
      return saved;
    },
  };
}

/** A request of another payment has the id: a repeat of this one would have been found among its transactions. */
function reusedRequest(requestId = ""): (error: unknown) => never {
  return (error) => {
    const known = error instanceof StorageError && error.constraint === "transactions_request";
    throw known ? requestIdReused(requestId) : error;
  };
}
