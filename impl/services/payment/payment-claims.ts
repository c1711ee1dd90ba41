// What reconciliation works through: transactions whose outcome is due to be asked for, and holds that may have run out. Whoever claims one
// moves its time on, which is a lease: no two processes have it at once, and one that dies has it no longer than that.
import { sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import type { PaymentTables } from "./payment-tables.ts";

export interface ClaimedTransaction {
  readonly transactionId: string;
  /** This one included. */
  readonly attempts: number;
  readonly createTime: Date;
}

export interface Claim {
  readonly now: Date;
  readonly leaseUntil: Date;
  readonly limit: number;
}

export interface PaymentClaims {
  /** Those that are due, and those of `early` that are pending. */
  transactions(claim: Claim, early: readonly string[], signal: AbortSignal): Promise<ClaimedTransaction[]>;
  /** Gives a transaction back until then. Without effect when it is settled. */
  postpone(transactionId: string, until: Date, signal: AbortSignal): Promise<void>;
  /** Ids of payments whose hold should have run out. */
  holds(claim: Claim, signal: AbortSignal): Promise<string[]>;
  postponeHold(paymentId: string, until: Date, signal: AbortSignal): Promise<void>;
}

export function createPaymentClaims(database: Database<unknown>): PaymentClaims {
  const { queries } = database.typed<PaymentTables>();
  return {
    async transactions({ now, leaseUntil, limit }, early, signal) {
      const { rows } = await sql<{ transaction_id: string; attempts: number; create_time: Date }>`
        update payments.transactions set next_attempt_time = ${leaseUntil}, attempts = attempts + 1
        where transaction_id in (
          select transaction_id from payments.transactions
          where state = 1 and (next_attempt_time <= ${now} or transaction_id = any(${early}::uuid[]))
          order by next_attempt_time limit ${limit} for update skip locked
        )
        returning transaction_id, attempts, create_time`.execute(queries, { signal });
      return rows.map(({ transaction_id: transactionId, attempts, create_time: createTime }) => ({
        transactionId,
        attempts,
        createTime,
      }));
    },
    async postpone(transactionId, until, signal) {
      await sql`update payments.transactions set next_attempt_time = ${until}
        where transaction_id = ${transactionId} and state = 1`.execute(queries, { signal });
    },
    async holds({ now, leaseUntil, limit }, signal) {
      const { rows } = await sql<{ payment_id: string }>`
        update payments.payments set next_check_time = ${leaseUntil}
        where payment_id in (
          select payment_id from payments.payments where next_check_time <= ${now}
          order by next_check_time limit ${limit} for update skip locked
        )
        returning payment_id`.execute(queries, { signal });
      return rows.map(({ payment_id }) => payment_id);
    },
    async postponeHold(paymentId, until, signal) {
      await sql`update payments.payments set next_check_time = ${until}
        where payment_id = ${paymentId} and next_check_time is not null`.execute(queries, { signal });
    },
  };
}
