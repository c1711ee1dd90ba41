// Orders read by their keys: single prepared statements, texts of their own, since building a query costs as much as running it.
import { CompiledQuery, type Kysely, type Transaction } from "kysely";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { ORDER_TYPE, type Order } from "./order.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "./order-row.ts";

const SELECT = `select ${ORDER_COLUMNS} from orders.orders as o`;
const BY_ID = `${SELECT} where o.order_id = $1`;
const BY_IDS = `${SELECT} where o.order_id = any($1::uuid[])`;
const LOCK = "select from orders.orders where order_id = $1 for no key update";
const BY_REQUEST = `
select ${ORDER_COLUMNS}, o.fingerprint from orders.orders as o where o.caller = $1 and o.request_id = $2`;

/** Undefined when there is none. */
export async function findOrder<T>(
  queries: Kysely<T>,
  orderId: string,
  signal?: AbortSignal,
): Promise<Order | undefined> {
  const [order] = await read(queries, BY_ID, [orderId], signal);
  return order;
}

/** In no order; ids that are unknown are left out. */
export async function findOrders<T>(
  queries: Kysely<T>,
  orderIds: readonly string[],
  signal?: AbortSignal,
): Promise<Order[]> {
  return await read(queries, BY_IDS, [orderIds], signal);
}

/**
 * The order, which nobody else changes until the transaction ends. NOT_FOUND when there is none. Locked and then read: a statement that
 * has to wait for a lock sees the row as it is then, and its lines as they were before.
 */
export async function lockOrder<T>(transaction: Transaction<T>, orderId: string): Promise<Order> {
  await transaction.executeQuery(CompiledQuery.raw(LOCK, [orderId]));
  const order = await findOrder(transaction, orderId);
  if (order === undefined) throw notFound(ORDER_TYPE, orderId);
  return order;
}

export interface RequestedOrder {
  readonly order: Order;
  readonly fingerprint: Uint8Array;
}

/** The order that the caller's request has made. */
export async function findByRequest<T>(
  queries: Kysely<T>,
  caller: string,
  requestId: string,
  signal: AbortSignal,
): Promise<RequestedOrder | undefined> {
  const query = CompiledQuery.raw(BY_REQUEST, [caller, requestId]);
  const { rows } = await queries.executeQuery<OrderRow & { fingerprint: Buffer }>(query, { signal });
  const [row] = rows;
  return row === undefined ? undefined : { order: orderOf(row), fingerprint: row.fingerprint };
}

async function read<T>(
  queries: Kysely<T>,
  text: string,
  parameters: unknown[],
  signal?: AbortSignal,
): Promise<Order[]> {
  const query = CompiledQuery.raw(text, parameters);
  const { rows } = await queries.executeQuery<OrderRow>(query, signal === undefined ? {} : { signal });
  return rows.map(orderOf);
}
