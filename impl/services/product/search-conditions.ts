// The conditions of a search as SQL over one row of products. Each is written so that an index of the catalogue answers it.
import { type RawBuilder, sql } from "kysely";
import type { PriceCondition, SearchConditions } from "./product-search.ts";

export function searchConditions(conditions: SearchConditions): RawBuilder<boolean> {
  const { query, category, price, attributes, availabilities } = conditions;
  const all = [sql`delete_time is null`];
  if (query !== undefined) all.push(sql`search_text @@ ${textQuery(query)}`);
  if (category !== undefined) all.push(inCategory(category));
  if (price !== undefined) all.push(...inPriceRange(price));
  for (const { name, values } of attributes) all.push(hasAttribute(name, values));
  if (availabilities.length > 0) all.push(sql`availability = any(${[...availabilities]}::smallint[])`);
  return sql<boolean>`${sql.join(all, sql` and `)}`;
}

export function textQuery(query: string): RawBuilder<unknown> {
  return sql`websearch_to_tsquery('pg_catalog.english', ${query})`;
}

/** One range of `category_range`, which ends in a blank; "!" is the character after it. */
export function inCategory(category: string): RawBuilder<unknown> {
  const path = category.replaceAll("/", " ");
  return sql`category_range >= ${`${path} `} and category_range < ${`${path}!`}`;
}

export function inPriceRange({ currency, min, max }: PriceCondition): RawBuilder<unknown>[] {
  const all = [sql`currency = ${currency}`];
  if (min !== undefined) all.push(sql`price_minor >= ${min}`);
  if (max !== undefined) all.push(sql`price_minor <= ${max}`);
  return all;
}

/** An "or" of containments and not `any`: only the former can use the GIN index. */
function hasAttribute(name: string, values: readonly string[]): RawBuilder<unknown> {
  const each = values.map((value) => sql`attributes @> ${JSON.stringify({ [name]: value })}::jsonb`);
  return sql`(${sql.join(each, sql` or `)})`;
}
