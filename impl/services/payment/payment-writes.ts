// The statements that change a payment: one for each change, which does nothing when the payment has another version than the one the change
// was made from. What they may not do, whatever asks for it, the constraints of the tables know.
import { type Transaction as DatabaseTransaction, type RawBuilder, sql } from "kysely";
import { isPending, type Payment, pendingAmounts, type Transaction } from "./payment.ts";
import type { Change, TransactionChange } from "./payment-changes.ts";
import { stateOf } from "./payment-status.ts";
import type { PaymentTables } from "./payment-tables.ts";

type Writer = DatabaseTransaction<PaymentTables>;

/** False when the request that asked for it is known. `dueTime`: when others may ask the provider what became of it. */
export async function insertPayment(
  writer: Writer,
  { payment, transaction }: TransactionChange,
  dueTime: Date,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    with opened as (
      insert into payments.transactions (${transactionColumns}) values (${transactionValues(payment, transaction, dueTime)})
      on conflict on constraint transactions_request do nothing returning payment_id
    )
    insert into payments.payments (payment_id, order_id, user_id, currency, amount_minor, state, hold, pending_transactions,
      version, create_time, update_time)
    select payment_id, ${payment.orderId}, ${payment.userId ?? null}, ${payment.amount.currency}, ${payment.amount.minorUnits},
      ${stateOf(payment.status)}, 'none', 1, ${payment.version}, ${payment.createTime}, ${payment.updateTime}
    from opened`.execute(writer);
  return numAffectedRows === 1n;
}

/** False when the payment has changed since. Throws a StorageError when the request of a new transaction is known. */
export async function saveChange(writer: Writer, change: Change, dueTime: Date): Promise<boolean> {
  const { payment, transaction } = change;
  const changed = updateOf(payment);
  const statement =
    transaction === undefined
      ? changed
      : isPending(transaction)
        ? sql`with changed as (${changed} returning payment_id)
            insert into payments.transactions (${transactionColumns})
            select ${transactionValues(payment, transaction, dueTime)} from changed`
        : sql`with changed as (${changed} returning payment_id)
            update payments.transactions as settled set
              state = ${transaction.state}, reference = ${transaction.reference},
              decline_code = ${transaction.declineCode}, failure_code = ${transaction.failureCode},
              settle_version = ${transaction.settleVersion ?? null}, settle_time = ${transaction.settleTime ?? null},
              payment_method_token = null, next_attempt_time = null
            from changed where settled.transaction_id = ${transaction.transactionId}`;
  const { numAffectedRows } = await statement.execute(writer);
  return numAffectedRows === 1n;
}

function updateOf(payment: Payment): RawBuilder<unknown> {
  const { status, card, expireTime } = payment;
  const pending = pendingAmounts(payment);
  const money = status.kind === "authorized" ? status : { captured: 0n, refunded: 0n, hold: "none" as const };
  return sql`update payments.payments set
    state = ${stateOf(status)}, hold = ${money.hold},
    captured_minor = ${money.captured}, refunded_minor = ${money.refunded},
    pending_capture_minor = ${pending.capture}, pending_refund_minor = ${pending.refund},
    pending_transactions = ${payment.transactions.filter(isPending).length},
    card_brand = ${card?.brand ?? null}, card_last_four = ${card?.lastFour ?? null},
    card_expiry_month = ${card?.expiryMonth ?? null}, card_expiry_year = ${card?.expiryYear ?? null},
    authorization_reference = ${payment.authorization ?? null}, authorization_expire_time = ${expireTime ?? null},
    expired_version = ${payment.expiredVersion ?? null},
    next_check_time = ${money.hold === "open" ? sql`coalesce(next_check_time, ${expireTime ?? null})` : null},
    version = ${payment.version}, update_time = ${payment.updateTime}
    where payment_id = ${payment.paymentId} and version = ${payment.version - 1n}`;
}

const transactionColumns = sql`transaction_id, payment_id, kind, state, amount_minor, final, reason, scope, request_id,
  fingerprint, payment_method_token, begin_version, create_time, next_attempt_time`;

function transactionValues({ paymentId }: Payment, begun: Transaction, dueTime: Date): RawBuilder<unknown> {
  const { scope, requestId, fingerprint } = begun.request;
  return sql`${begun.transactionId}::uuid, ${paymentId}::uuid, ${begun.kind}::smallint, ${begun.state}::smallint,
    ${begun.amount}::bigint, ${begun.final}::boolean, ${begun.reason}, ${scope}, ${requestId}::uuid, ${fingerprint}::bytea,
    ${begun.token ?? null}, ${begun.beginVersion}::bigint, ${begun.createTime}::timestamptz, ${dueTime}::timestamptz`;
}
