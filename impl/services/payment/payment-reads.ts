// Payments as they are read: one statement each, the payment's columns beside those of its transactions, of one moment.
import { type CompiledQuery, type Kysely, type RawBuilder, sql } from "kysely";
import type { RecordKey } from "../shared/request-id.ts";
import type { Payment } from "./payment.ts";
import { type PaymentRow, type PaymentTables, paymentOf } from "./payment-tables.ts";

export interface PaymentReads {
  find(paymentId: string, signal?: AbortSignal): Promise<Payment | undefined>;
  findByTransaction(transactionId: string, signal?: AbortSignal): Promise<Payment | undefined>;
  /** The payment that the request was about, whatever its content. */
  findByRequest(
    key: Pick<RecordKey, "scope" | "requestId">,
    signal?: AbortSignal,
  ): Promise<Payment | undefined>;
}

const columns = sql`
  payment.payment_id, payment.order_id, payment.user_id, payment.currency, payment.amount_minor, payment.state, payment.hold,
  payment.captured_minor, payment.refunded_minor, payment.card_brand, payment.card_last_four, payment.card_expiry_month,
  payment.card_expiry_year, payment.authorization_reference, payment.authorization_expire_time, payment.expired_version,
  payment.version, payment.create_time as payment_create_time, payment.update_time,
  transaction.transaction_id, transaction.kind, transaction.state as transaction_state,
  transaction.amount_minor as transaction_minor, transaction.final, transaction.reason, transaction.reference,
  transaction.decline_code, transaction.failure_code, transaction.scope, transaction.request_id, transaction.fingerprint,
  transaction.payment_method_token, transaction.begin_version, transaction.settle_version,
  transaction.create_time as transaction_create_time, transaction.settle_time`;

const transactions = sql`payments.transactions as transaction on transaction.payment_id = payment.payment_id`;

export function createPaymentReads(queries: Kysely<PaymentTables>): PaymentReads {
  const byId = prepare(queries, sql`${null}`);
  const byTransaction = prepare(
    queries,
    sql`(select payment_id from payments.transactions where transaction_id = ${null})`,
  );
  const byRequest = prepare(
    queries,
    sql`(select payment_id from payments.transactions where scope = ${null} and request_id = ${null})`,
  );
  return {
    find: (paymentId, signal) => byId([paymentId], signal),
    findByTransaction: (transactionId, signal) => byTransaction([transactionId], signal),
    findByRequest: ({ scope, requestId }, signal) => byRequest([scope, requestId], signal),
  };
}

/** The payment as it is, and stays until the transaction ends. */
export async function lockPayment(
  transaction: Kysely<PaymentTables>,
  paymentId: string,
): Promise<Payment | undefined> {
  // The rows that are read beside a row that had to be waited for are older than it: they are read when the lock is there.
  await sql`select 1 from payments.payments where payment_id = ${paymentId} for no key update`.execute(
    transaction,
  );
  return createPaymentReads(transaction).find(paymentId);
}

/** `payments` is a selection of payments, of which each comes with its transactions, in the order of the ids, the latest first. */
export async function readPayments(
  queries: Kysely<PaymentTables>,
  payments: RawBuilder<unknown>,
  signal: AbortSignal,
): Promise<Payment[]> {
  const { rows } = await sql<PaymentRow>`
    select ${columns} from (${payments}) as payment join ${transactions}
    order by payment.payment_id desc, transaction.begin_version`.execute(queries, { signal });
  return paymentsOf(rows);
}

/** Built once: building a query costs about as much as running it. */
function prepare(queries: Kysely<PaymentTables>, paymentId: RawBuilder<unknown>) {
  const query: CompiledQuery<PaymentRow> = sql<PaymentRow>`
    select ${columns} from payments.payments as payment join ${transactions}
    where payment.payment_id = ${paymentId} order by transaction.begin_version`.compile(queries);
  return async (parameters: readonly unknown[], signal?: AbortSignal): Promise<Payment | undefined> => {
    const { rows } = await queries.executeQuery<PaymentRow>(
      { ...query, parameters },
      signal === undefined ? {} : { signal },
    );
    return paymentsOf(rows)[0];
  };
}

function paymentsOf(rows: readonly PaymentRow[]): Payment[] {
  const payments: Payment[] = [];
  for (let at = 0; at < rows.length; ) {
    const first = rows[at];
    if (first === undefined) break;
    let end = at + 1;
    while (rows[end]?.payment_id === first.payment_id) end += 1;
    payments.push(paymentOf([first, ...rows.slice(at + 1, end)]));
    at = end;
  }
  return payments;
}
