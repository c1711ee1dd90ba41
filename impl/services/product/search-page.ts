// A page of a search as one query with keyset paging: the position is the order's keys of the last row, so a page costs the
// same wherever it is, and products that come and go do not shift the others.
import { type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import type { Product } from "./product.ts";
import type { ProductSearch, SearchOrder, SearchPosition } from "./product-search.ts";
import { PRODUCT_COLUMNS, type ProductRow, type ProductTables, productOf } from "./product-tables.ts";
import { searchConditions, textQuery } from "./search-conditions.ts";

export interface SearchPage {
  readonly products: readonly Product[];
  /** Undefined on the last page. */
  readonly next: SearchPosition | undefined;
}

type SearchRow = ProductRow & { readonly position: string[] };

export async function findPage(
  queries: Kysely<ProductTables>,
  search: ProductSearch,
  signal: AbortSignal,
): Promise<SearchPage> {
  const rows = await pageQuery(queries, search).execute({ signal });
  const shown = rows.slice(0, search.pageSize);
  const next = rows.length > shown.length ? shown.at(-1)?.position : undefined;
  return { products: shown.map(productOf), next };
}

/** One row more than the page has, which tells whether another follows. */
export function pageQuery(
  queries: Kysely<ProductTables>,
  { conditions, order, after, pageSize }: ProductSearch,
): SelectQueryBuilder<ProductTables, "products.products", SearchRow> {
  const keys = orderKeys(order, conditions.query ?? "");
  const texts = keys.map(({ expression }) => sql`${expression}::text`);
  let query = queries
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .select(sql<string[]>`array[${sql.join(texts)}]`.as("position"))
    .where(searchConditions(conditions))
    .limit(pageSize + 1);
  if (after !== undefined) query = query.where(behind(keys, after));
  for (const { expression, descending } of keys)
    query = query.orderBy(expression, descending ? "desc" : "asc");
  return query;
}

interface OrderKey {
  readonly expression: RawBuilder<unknown>;
  readonly type: RawBuilder<unknown>;
  readonly descending: boolean;
}

/** The last key is unique. Only the first may run against the others, which are then compared as one row. */
function orderKeys(order: SearchOrder, query: string): readonly [OrderKey, ...OrderKey[]] {
  const key = (expression: RawBuilder<unknown>, type: string, descending: boolean): OrderKey => ({
    expression,
    type: sql.raw(type),
    descending,
  });
  const id = (descending: boolean) => key(sql.ref("product_id"), "uuid", descending);
  const price = (descending: boolean) => key(sql.ref("price_minor"), "bigint", descending);
  const currency = key(sql.ref("currency"), "char(3)", false);
  switch (order) {
    case "relevance":
      return [key(sql`ts_rank(search_text, ${textQuery(query)})`, "real", true), id(true)];
    case "newest":
      return [key(sql.ref("create_time"), "timestamptz", true), id(true)];
    case "cheapest":
      return [currency, price(false), id(false)];
    case "dearest":
      return [currency, price(true), id(true)];
    case "name":
      return [key(sql.ref("name_order"), "text", false), id(false)];
  }
}

function behind(keys: readonly [OrderKey, ...OrderKey[]], position: SearchPosition): RawBuilder<boolean> {
  const [first, ...others] = keys;
  const values = keys.map(({ type }, index) => sql`${position[index]}::${type}`);
  if (others.every(({ descending }) => descending === first.descending)) return beyond(keys, values);
  const [value, ...otherValues] = values;
  const from = first.descending ? sql`<=` : sql`>=`;
  // The first comparison says nothing new, but is one that an index range can begin at.
  return sql<boolean>`${first.expression} ${from} ${value}
    and (${first.expression} <> ${value} or ${beyond(others, otherValues)})`;
}

/** Keys of one direction as one comparison of rows, which is one range of an index. */
function beyond(keys: readonly OrderKey[], values: readonly RawBuilder<unknown>[]): RawBuilder<boolean> {
  const expressions = keys.map(({ expression }) => expression);
  const comparison = keys[0]?.descending ? sql`<` : sql`>`;
  return sql<boolean>`(${sql.join(expressions)}) ${comparison} (${sql.join(values)})`;
}
