// The tables of payments as rows, and rows as a payment with its transactions.
import type { Generated } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import type { Payment, Transaction, TransactionKind, TransactionState } from "./payment.ts";
import { type Hold, PaymentState, type PaymentStatus } from "./payment-status.ts";

/** For `migrate`, beside the tables of the event log in the same schema. */
export const paymentsSchema: MigrationOptions = {
  schema: "payments",
  folder: new URL("./migrations/", import.meta.url),
};

export interface PaymentTables {
  "payments.payments": PaymentsTable;
  "payments.transactions": TransactionsTable;
  "payments.provider_events": { webhook_id: string; receive_time: Date };
}

interface PaymentsTable {
  payment_id: string;
  order_id: string;
  user_id: string | null;
  currency: string;
  amount_minor: bigint;
  state: PaymentState;
  hold: Hold | "none";
  captured_minor: bigint;
  refunded_minor: bigint;
  pending_capture_minor: bigint;
  pending_refund_minor: bigint;
  pending_transactions: number;
  card_brand: string | null;
  card_last_four: string | null;
  card_expiry_month: number | null;
  card_expiry_year: number | null;
  authorization_reference: string | null;
  authorization_expire_time: Date | null;
  expired_version: bigint | null;
  next_check_time: Date | null;
  version: bigint;
  create_time: Date;
  update_time: Date;
}

interface TransactionsTable {
  transaction_id: string;
  payment_id: string;
  kind: TransactionKind;
  state: TransactionState;
  amount_minor: bigint;
  final: boolean;
  reason: string;
  reference: string;
  decline_code: string;
  failure_code: string;
  scope: string;
  request_id: string;
  fingerprint: Buffer;
  payment_method_token: string | null;
  begin_version: bigint;
  settle_version: bigint | null;
  create_time: Date;
  settle_time: Date | null;
  next_attempt_time: Date | null;
  attempts: Generated<number>;
}

/** What a payment is read from: its own columns, repeated beside each of its transactions. */
export interface PaymentRow {
  readonly payment_id: string;
  readonly order_id: string;
  readonly user_id: string | null;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly state: PaymentState;
  readonly hold: Hold | "none";
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly card_brand: string | null;
  readonly card_last_four: string | null;
  readonly card_expiry_month: number | null;
  readonly card_expiry_year: number | null;
  readonly authorization_reference: string | null;
  readonly authorization_expire_time: Date | null;
  readonly expired_version: bigint | null;
  readonly version: bigint;
  readonly payment_create_time: Date;
  readonly update_time: Date;
  readonly transaction_id: string;
  readonly kind: TransactionKind;
  readonly transaction_state: TransactionState;
  readonly transaction_minor: bigint;
  readonly final: boolean;
  readonly reason: string;
  readonly reference: string;
  readonly decline_code: string;
  readonly failure_code: string;
  readonly scope: string;
  readonly request_id: string;
  readonly fingerprint: Buffer;
  readonly payment_method_token: string | null;
  readonly begin_version: bigint;
  readonly settle_version: bigint | null;
  readonly transaction_create_time: Date;
  readonly settle_time: Date | null;
}

/** The rows of one payment, in the order in which its transactions were begun. */
export function paymentOf(rows: readonly [PaymentRow, ...PaymentRow[]]): Payment {
  const [row] = rows;
  return {
    paymentId: row.payment_id,
    orderId: row.order_id,
    userId: row.user_id ?? undefined,
    amount: { minorUnits: row.amount_minor, currency: row.currency },
    status: statusOf(row),
    card: cardOf(row),
    authorization: row.authorization_reference ?? undefined,
    expireTime: row.authorization_expire_time ?? undefined,
    expiredVersion: row.expired_version ?? undefined,
    transactions: rows.map(transactionOfRow),
    version: row.version,
    createTime: row.payment_create_time,
    updateTime: row.update_time,
  };
}

function statusOf({ state, hold, captured_minor, refunded_minor }: PaymentRow): PaymentStatus {
  if (hold !== "none") {
    return { kind: "authorized", captured: captured_minor, refunded: refunded_minor, hold };
  }
  switch (state) {
    case PaymentState.PAYMENT_STATE_DECLINED:
      return { kind: "declined" };
    case PaymentState.PAYMENT_STATE_FAILED:
      return { kind: "failed" };
    default:
      return { kind: "pending" };
  }
}

function cardOf(row: PaymentRow): Payment["card"] {
  const { card_brand: brand, card_last_four: lastFour } = row;
  const { card_expiry_month: expiryMonth, card_expiry_year: expiryYear } = row;
  if (brand === null || lastFour === null || expiryMonth === null || expiryYear === null) return undefined;
  return { brand, lastFour, expiryMonth, expiryYear };
}

function transactionOfRow(row: PaymentRow): Transaction {
  return {
    transactionId: row.transaction_id,
    kind: row.kind,
    state: row.transaction_state,
    amount: row.transaction_minor,
    final: row.final,
    reason: row.reason,
    reference: row.reference,
    declineCode: row.decline_code,
    failureCode: row.failure_code,
    request: { scope: row.scope, requestId: row.request_id, fingerprint: row.fingerprint },
    token: row.payment_method_token ?? undefined,
    beginVersion: row.begin_version,
    settleVersion: row.settle_version ?? undefined,
    createTime: row.transaction_create_time,
    settleTime: row.settle_time ?? undefined,
  };
}
