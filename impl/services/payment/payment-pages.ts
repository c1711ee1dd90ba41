// Payments a page at a time, the latest first. Ids grow with time, so a page begins below an id, and costs the same wherever it is.
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Payment } from "./payment.ts";
import { readPayments } from "./payment-reads.ts";
import type { PaymentState } from "./payment-status.ts";
import type { PaymentTables } from "./payment-tables.ts";

/** Undefined and empty do not restrict. */
export interface PaymentConditions {
  readonly userId: string | undefined;
  readonly orderIds: readonly string[];
  readonly states: readonly PaymentState[];
  readonly pendingOnly: boolean;
}

export interface PaymentPage {
  readonly conditions: PaymentConditions;
  /** The last id of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

export function listPage(
  queries: Kysely<PaymentTables>,
  page: PaymentPage,
  signal: AbortSignal,
): Promise<Payment[]> {
  return readPayments(queries, pageQuery(page), signal);
}

/** The payments of a page without their transactions. */
export function pageQuery({ conditions, after, limit }: PaymentPage): RawBuilder<unknown> {
  const where: RawBuilder<unknown>[] = [sql`true`];
  const { userId, orderIds, states, pendingOnly } = conditions;
  if (userId !== undefined) where.push(sql`user_id = ${userId}`);
  if (orderIds.length === 1) where.push(sql`order_id = ${orderIds[0]}`);
  else if (orderIds.length > 1) where.push(sql`order_id = any(${orderIds}::uuid[])`);
  if (states.length > 0) where.push(sql`state = any(${states}::smallint[])`);
  // Written out: the planner takes an index with a condition only for a query that states it.
  if (pendingOnly) where.push(sql`pending_transactions > 0`);
  if (after !== undefined) where.push(sql`payment_id < ${after}`);
  return sql`select * from payments.payments where ${sql.join(where, sql` and `)}
    order by payment_id desc limit ${limit}`;
}
