// The statements that change a payment: one for each change, with its event, and so a transaction of its own. It does nothing when the payment
// has another version than the one the change was made from. What a change may not do, whatever asks for it, the constraints of the tables know.
import { CompiledQuery, type Kysely } from "kysely";
import { eventInsertion, eventParameters } from "#impl/storage/events/event-insertion.ts";
import { isPending, type Payment, pendingAmounts, type Transaction } from "./payment.ts";
import type { Change, TransactionChange } from "./payment-changes.ts";
import { eventOfChange } from "./payment-messages.ts";
import { stateOf } from "./payment-status.ts";
import { type PaymentTables, paymentsSchema } from "./payment-tables.ts";

type Options = { readonly signal?: AbortSignal };

/** False when the request that asked for it is known. `dueTime`: when others may ask the provider what became of it. */
export async function insertPayment(
  queries: Kysely<PaymentTables>,
  change: TransactionChange,
  dueTime: Date,
  options: Options,
): Promise<boolean> {
  const { payment, transaction } = change;
  const parameters = [
    ...transactionParameters(payment, transaction, dueTime),
    payment.orderId,
    payment.userId,
    payment.amount.currency,
    payment.amount.minorUnits,
    stateOf(payment.status),
    payment.version,
    payment.createTime,
    ...eventParameters([eventOfChange(change)], payment.updateTime),
  ];
  return await wrote(queries, OPEN, parameters, options);
}

/** False when the payment has changed since. Throws a StorageError when the request of a new transaction is known. */
export async function saveChange(
  queries: Kysely<PaymentTables>,
  change: Change,
  dueTime: Date,
  options: Options = {},
): Promise<boolean> {
  const { payment, transaction } = change;
  const parameters = [
    ...paymentParameters(payment),
    ...eventParameters([eventOfChange(change)], payment.updateTime),
  ];
  if (transaction === undefined) return await wrote(queries, CHANGE, parameters, options);
  if (isPending(transaction)) {
    parameters.push(...transactionParameters(payment, transaction, dueTime));
    return await wrote(queries, BEGIN, parameters, options);
  }
  parameters.push(...endParameters(transaction));
  return await wrote(queries, SETTLE, parameters, options);
}

async function wrote(
  queries: Kysely<PaymentTables>,
  text: string,
  parameters: readonly unknown[],
  options: Options,
): Promise<boolean> {
  const { rows } = await queries.executeQuery(CompiledQuery.raw(text, [...parameters]), options);
  return rows.length === 1;
}

function paymentParameters(payment: Payment): unknown[] {
  const { status, card, expireTime } = payment;
  const pending = pendingAmounts(payment);
  const money = status.kind === "authorized" ? status : { captured: 0n, refunded: 0n, hold: "none" };
  return [
    payment.paymentId,
    payment.version - 1n,
    stateOf(status),
    money.hold,
    money.captured,
    money.refunded,
    pending.capture,
    pending.refund,
    payment.transactions.filter(isPending).length,
    card?.brand,
    card?.lastFour,
    card?.expiryMonth,
    card?.expiryYear,
    payment.authorization,
    expireTime,
    payment.expiredVersion,
    payment.version,
    payment.updateTime,
  ];
}

const UPDATE = `
update payments.payments set state = $3, hold = $4, captured_minor = $5, refunded_minor = $6, pending_capture_minor = $7,
  pending_refund_minor = $8, pending_transactions = $9, card_brand = $10, card_last_four = $11, card_expiry_month = $12,
  card_expiry_year = $13, authorization_reference = $14, authorization_expire_time = $15, expired_version = $16,
  next_check_time = case $4 when 'open' then coalesce(next_check_time, $15) end, version = $17, update_time = $18
where payment_id = $1 and version = $2
returning payment_id`;
const UPDATE_PARAMETERS = 18;
const EVENT_PARAMETERS = 4;

const told = (firstParameter: number): string =>
  eventInsertion({ schema: paymentsSchema.schema, firstParameter, joined: "cross join changed" });

const CHANGED_AND_TOLD = `with changed as (${UPDATE}), told as (${told(UPDATE_PARAMETERS + 1)})`;
const FIRST_OF_TRANSACTION = UPDATE_PARAMETERS + EVENT_PARAMETERS + 1;

const CHANGE = `${CHANGED_AND_TOLD} select payment_id from changed`;

function transactionParameters({ paymentId }: Payment, begun: Transaction, dueTime: Date): unknown[] {
  const { scope, requestId, fingerprint } = begun.request;
  return [
    begun.transactionId,
    paymentId,
    begun.kind,
    begun.state,
    begun.amount,
    begun.final,
    begun.reason,
    scope,
    requestId,
    fingerprint,
    begun.token,
    begun.beginVersion,
    begun.createTime,
    dueTime,
  ];
}

const TRANSACTION_COLUMNS = `transaction_id, payment_id, kind, state, amount_minor, final, reason, scope, request_id, fingerprint,
  payment_method_token, begin_version, create_time, next_attempt_time`;
const TRANSACTION_TYPES = [
  ...["uuid", "uuid", "smallint", "smallint", "bigint", "boolean", "text", "text", "uuid", "bytea"],
  ...["text", "bigint", "timestamptz", "timestamptz"],
];

const transactionValues = (first: number): string =>
  TRANSACTION_TYPES.map((type, index) => `$${first + index}::${type}`).join(", ");

const BEGIN = `${CHANGED_AND_TOLD}, begun as (
  insert into payments.transactions (${TRANSACTION_COLUMNS}) select ${transactionValues(FIRST_OF_TRANSACTION)} from changed
)
select payment_id from changed`;

/** $1 to $14 are the transaction, $15 to $21 the payment. */
const OPEN = `with opened as (
  insert into payments.transactions (${TRANSACTION_COLUMNS}) values (${transactionValues(1)})
  on conflict on constraint transactions_request do nothing returning payment_id
), changed as (
  insert into payments.payments (payment_id, order_id, user_id, currency, amount_minor, state, hold, pending_transactions, version,
    create_time, update_time)
  select payment_id, $15::uuid, $16::uuid, $17, $18::bigint, $19::smallint, 'none', 1, $20::bigint, $21::timestamptz,
    $21::timestamptz
  from opened returning payment_id
), told as (${told(22)})
select payment_id from changed`;

function endParameters(settled: Transaction): unknown[] {
  const { transactionId, state, reference, declineCode, failureCode, settleVersion, settleTime } = settled;
  return [transactionId, state, reference, declineCode, failureCode, settleVersion, settleTime];
}

const SETTLE = `${CHANGED_AND_TOLD}, settled as (
  update payments.transactions set state = $24, reference = $25, decline_code = $26, failure_code = $27, settle_version = $28,
    settle_time = $29, payment_method_token = null, next_attempt_time = null
  from changed where transaction_id = $${FIRST_OF_TRANSACTION}
)
select payment_id from changed`;
