// Orders a page at a time: the latest placed first, or by position within a bulk job. A page is read from an index at its place, so
// that the last one costs no more than the first: which index depends on the conditions.
import { CompiledQuery, type Kysely } from "kysely";
import type { Order, OrderStatus } from "./order.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf } from "./order-row.ts";

/** Conditions are joined by "and". An empty one does not restrict. */
export interface OrderConditions {
  readonly userId: string;
  /** No state twice. */
  readonly statuses: readonly OrderStatus[];
  /** At this time or later. */
  readonly placedAfter: Date | undefined;
  readonly placedBefore: Date | undefined;
  readonly reference: string;
  readonly bulkJobId: string;
  readonly productId: string;
}

/** The last order of the page before. */
export interface OrderPlace {
  readonly placedTime: Date;
  readonly orderId: string;
  readonly bulkPosition: bigint;
}

export interface OrderPage {
  readonly conditions: OrderConditions;
  /** Undefined: the first page. */
  readonly after: OrderPlace | undefined;
  readonly limit: number;
}

/** As many orders as `limit`, if there are. */
export async function readPage<T>(
  queries: Kysely<T>,
  page: OrderPage,
  signal: AbortSignal,
): Promise<Order[]> {
  const { text, parameters } = pageQuery(page);
  const { rows } = await queries.executeQuery<OrderRow>(CompiledQuery.raw(text, parameters), { signal });
  return rows.map(orderOf);
}

export interface PageQuery {
  readonly text: string;
  readonly parameters: unknown[];
}

/** One text for each set of conditions, so that few texts are prepared. Lines are read only of the orders of the page. */
export function pageQuery({ conditions, after, limit }: OrderPage): PageQuery {
  const parameters: unknown[] = [];
  const value = (parameter: unknown): string => `$${parameters.push(parameter)}`;
  const ids = idsQuery(conditions, after, value(limit), value);
  const order = orderingOf(conditions);
  const text = `
    select ${ORDER_COLUMNS}
    from (${ids}) as page join orders.orders as o using (order_id)
    order by ${order}`;
  return { text, parameters };
}

type Value = (parameter: unknown) => string;

function orderingOf({ bulkJobId }: OrderConditions): string {
  return bulkJobId === "" ? "o.placed_time desc, o.order_id desc" : "o.bulk_position";
}

function idsQuery(
  conditions: OrderConditions,
  after: OrderPlace | undefined,
  limit: string,
  value: Value,
): string {
  const { userId, statuses, reference, bulkJobId, productId } = conditions;
  const where = [...restrictions(conditions, value)];
  if (bulkJobId !== "") {
    if (productId !== "") where.push(hasProduct(productId, value));
    if (statuses.length > 0) where.push(`o.status = any(${value(statuses)}::smallint[])`);
    if (after !== undefined) where.push(`o.bulk_position > ${value(after.bulkPosition)}`);
    return `select o.order_id from orders.orders as o ${whereAll(where)} order by o.bulk_position limit ${limit}`;
  }
  const latest = "o.placed_time desc, o.order_id desc";
  const place = (alias: string): string[] =>
    after === undefined
      ? []
      : [
          `(${alias}.placed_time, ${alias}.order_id) < (${value(after.placedTime)}::timestamptz, ${value(after.orderId)}::uuid)`,
        ];
  if (productId !== "") {
    if (statuses.length > 0) where.push(`o.status = any(${value(statuses)}::smallint[])`);
    // Two lines of an order may have the product: they stand side by side in the index.
    return `
      select distinct on (l.placed_time, l.order_id) l.order_id
      from orders.order_lines as l join orders.orders as o on o.order_id = l.order_id
      ${whereAll([`l.product_id = ${value(productId)}`, ...placedTimes(conditions, "l", value), ...where, ...place("l")])}
      order by l.placed_time desc, l.order_id desc limit ${limit}`;
  }
  where.push(...place("o"));
  if (statuses.length === 0 || userId !== "" || reference !== "") {
    if (statuses.length > 0) where.push(`o.status = any(${value(statuses)}::smallint[])`);
    return `select o.order_id from orders.orders as o ${whereAll(where)} order by ${latest} limit ${limit}`;
  }
  // Each state has its own place in the index.
  return `
    select o.order_id from unnest(${value(statuses)}::smallint[]) as wanted (status) cross join lateral (
      select o.order_id, o.placed_time from orders.orders as o
      ${whereAll(["o.status = wanted.status", ...where])} order by ${latest} limit ${limit}
    ) as o order by ${latest} limit ${limit}`;
}

function* restrictions(conditions: OrderConditions, value: Value): Generator<string> {
  const { userId, reference, bulkJobId } = conditions;
  if (bulkJobId !== "") yield `o.bulk_job_id = ${value(bulkJobId)}`;
  if (userId !== "") yield `o.user_id = ${value(userId)}`;
  // Written out: the planner takes an index with a condition only for a query that states it.
  if (reference !== "") yield `o.reference <> '' and o.reference = ${value(reference)}`;
  yield* placedTimes(conditions, "o", value);
}

function* placedTimes(
  { placedAfter, placedBefore }: OrderConditions,
  alias: string,
  value: Value,
): Generator<string> {
  if (placedAfter !== undefined) yield `${alias}.placed_time >= ${value(placedAfter)}`;
  if (placedBefore !== undefined) yield `${alias}.placed_time < ${value(placedBefore)}`;
}

function hasProduct(productId: string, value: Value): string {
  return `exists (select from orders.order_lines as l where l.order_id = o.order_id and l.product_id = ${value(productId)})`;
}

function whereAll(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`;
}
