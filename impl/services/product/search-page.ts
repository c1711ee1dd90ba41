// A page of a search as one query with keyset paging: the position is the order's keys of the last row, so a page costs the
// same wherever it is, and products that come and go do not shift the others.
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Product } from "./product.ts";
import type { ProductSearch, SearchOrder, SearchPosition } from "./product-search.ts";
import { PRODUCT_COLUMNS, type ProductTables, productOf } from "./product-tables.ts";
import { searchConditions, textQuery } from "./search-conditions.ts";

export interface SearchPage {
  readonly products: readonly Product[];
  /** Undefined on the last page. */
  readonly next: SearchPosition | undefined;
}

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
) {
  const { keys, descending } = orderedBy(order, conditions.query ?? "");
  const names = keys.map((_, index) => `key_${index}`);
  const direction = descending ? "desc" : "asc";
  let page = queries
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .select(keys.map(({ expression }, index) => expression.as(`key_${index}`)))
    .where(searchConditions(conditions))
    .limit(pageSize + 1);
  if (after !== undefined) page = page.where(behind({ keys, descending }, after));
  for (const name of names) page = page.orderBy(sql.ref(name), direction);
  // The position is made outside: inside it would be made for every match before the sort, and the rank with it, twice.
  const texts = names.map((name) => sql`${sql.ref(name)}::text`);
  let query = queries
    .selectFrom(page.as("page"))
    .select(PRODUCT_COLUMNS)
    .select(sql<string[]>`array[${sql.join(texts)}]`.as("position"));
  for (const name of names) query = query.orderBy(sql.ref(name), direction);
  return query;
}

/** All ascending or all descending, so that they compare as one row, which is one range of an index. The last is unique. */
interface OrderKeys {
  readonly descending: boolean;
  readonly keys: readonly { readonly expression: RawBuilder<unknown>; readonly type: RawBuilder<unknown> }[];
}

function orderedBy(order: SearchOrder, query: string): OrderKeys {
  const key = (expression: RawBuilder<unknown>, type: string) => ({ expression, type: sql.raw(type) });
  const id = key(sql.ref("product_id"), "uuid");
  const currency = key(sql.ref("currency"), "char(3)");
  switch (order) {
    case "relevance":
      return { descending: true, keys: [key(sql`ts_rank(search_text, ${textQuery(query)})`, "real"), id] };
    case "newest":
      return { descending: true, keys: [key(sql.ref("create_time"), "timestamptz"), id] };
    case "cheapest":
      return { descending: false, keys: [currency, key(sql.ref("price_minor"), "bigint"), id] };
    case "dearest":
      // Turned around, since currencies ascend here too.
      return { descending: false, keys: [currency, key(sql`(-price_minor)`, "bigint"), id] };
    case "name":
      return { descending: false, keys: [key(sql.ref("name_order"), "text"), id] };
  }
}

function behind({ descending, keys }: OrderKeys, position: SearchPosition): RawBuilder<boolean> {
  const expressions = keys.map(({ expression }) => expression);
  const values = keys.map(({ type }, index) => sql`${position[index]}::${type}`);
  return sql<boolean>`(${sql.join(expressions)}) ${descending ? sql`<` : sql`>`} (${sql.join(values)})`;
}
