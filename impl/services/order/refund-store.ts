// Refunds in PostgreSQL. A refund is kept as long as its order, with its request: one request id of a caller, one refund.
import { CompiledQuery, type Kysely, type Transaction } from "kysely";
import type { OrderRequest } from "./order-insert.ts";
import type { RefundedLine } from "./refund.ts";

export interface Refund {
  readonly refundId: string;
  readonly orderId: string;
  readonly lines: readonly RefundedLine[];
  readonly amountMinor: bigint;
  readonly reason: string;
  readonly outcome: RefundOutcome;
}

export type RefundOutcome =
  | { readonly state: "pending" }
  /** ecommerce.v1.RefundOrderResponse */
  | { readonly state: "succeeded"; readonly answer: Uint8Array }
  | { readonly state: "failed"; readonly failure: RefundFailure };

export interface RefundFailure {
  readonly reason: string;
  readonly message: string;
}

interface RefundRow {
  readonly refund_id: string;
  readonly order_id: string;
  readonly lines: readonly RefundLineJson[];
  readonly amount_minor: bigint;
  readonly reason: string;
  readonly state: RefundOutcome["state"];
  readonly failure: RefundFailure | null;
  readonly answer: Buffer | null;
  readonly fingerprint: Buffer;
}

interface RefundLineJson {
  readonly line: number;
  readonly quantity: string;
  readonly minor: string;
  readonly restock: boolean;
}

const COLUMNS = "refund_id, order_id, lines, amount_minor, reason, state, failure, answer, fingerprint";
const BY_ID = `select ${COLUMNS} from orders.refunds where refund_id = $1`;
const BY_REQUEST = `select ${COLUMNS} from orders.refunds where caller = $1 and request_id = $2`;
const INSERT = `
insert into orders.refunds (refund_id, order_id, caller, request_id, fingerprint, lines, amount_minor, reason, state, create_time)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, 'pending', $9)`;
const SETTLE = `
update orders.refunds set state = $2, answer = $3, failure = $4::jsonb, settle_time = $5 where refund_id = $1 and state = 'pending'`;

/** Throws a StorageError UNIQUE_VIOLATION when the request has a refund. */
export async function insertRefund<T>(
  transaction: Transaction<T>,
  refund: Omit<Refund, "outcome">,
  { caller, requestId, fingerprint }: OrderRequest,
  now: Date,
): Promise<void> {
  const { refundId, orderId, amountMinor, reason } = refund;
  const lines = JSON.stringify(refund.lines.map(lineJson));
  const parameters = [
    refundId,
    orderId,
    caller,
    requestId,
    Buffer.from(fingerprint),
    lines,
    amountMinor,
    reason,
    now,
  ];
  await transaction.executeQuery(CompiledQuery.raw(INSERT, parameters));
}

export async function findRefund<T>(queries: Kysely<T>, refundId: string): Promise<Refund | undefined> {
  const { rows } = await queries.executeQuery<RefundRow>(CompiledQuery.raw(BY_ID, [refundId]));
  return rows[0] && refundOf(rows[0]);
}

export async function findRefundByRequest<T>(
  queries: Kysely<T>,
  caller: string,
  requestId: string,
  signal: AbortSignal,
): Promise<(Refund & { readonly fingerprint: Uint8Array }) | undefined> {
  const query = CompiledQuery.raw(BY_REQUEST, [caller, requestId]);
  const { rows } = await queries.executeQuery<RefundRow>(query, { signal });
  return rows[0] && { ...refundOf(rows[0]), fingerprint: rows[0].fingerprint };
}

export async function settleRefund<T>(
  transaction: Transaction<T>,
  refundId: string,
  outcome: Exclude<RefundOutcome, { state: "pending" }>,
  now: Date,
): Promise<void> {
  const answer = outcome.state === "succeeded" ? Buffer.from(outcome.answer) : null;
  const failure = outcome.state === "failed" ? JSON.stringify(outcome.failure) : null;
  await transaction.executeQuery(CompiledQuery.raw(SETTLE, [refundId, outcome.state, answer, failure, now]));
}

function lineJson({ lineNumber, quantity, minorUnits, restock }: RefundedLine): RefundLineJson {
  return { line: lineNumber, quantity: String(quantity), minor: String(minorUnits), restock };
}

function refundOf(row: RefundRow): Refund {
  return {
    refundId: row.refund_id,
    orderId: row.order_id,
    lines: row.lines.map(({ line, quantity, minor, restock }) => ({
      lineNumber: line,
      quantity: BigInt(quantity),
      minorUnits: BigInt(minor),
      restock,
    })),
    amountMinor: row.amount_minor,
    reason: row.reason,
    outcome: outcomeOf(row),
  };
}

function outcomeOf({ state, answer, failure }: RefundRow): RefundOutcome {
  switch (state) {
    case "pending":
      return { state };
    case "succeeded":
      return { state, answer: answer ?? Buffer.alloc(0) };
    case "failed":
      return { state, failure: failure ?? { reason: "REFUND_FAILED", message: "" } };
  }
}
