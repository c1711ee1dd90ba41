// The counts that go with a search, all in one query: the matching rows once, then one part of a union for each kind of count.
import { type Kysely, type RawBuilder, sql } from "kysely";
import { FacetKind, type SearchConditions } from "./product-search.ts";
import type { ProductTables } from "./product-tables.ts";
import { searchConditions } from "./search-conditions.ts";

/** One value of one facet. */
export interface FacetRow {
  readonly kind: FacetKind;
  /** Name of the attribute, else empty. */
  readonly attribute: string;
  /** Category path or value of the attribute; for a price band its currency. */
  readonly value: string;
  readonly count: bigint;
  /** Results that have a value in this facet, shown or not. */
  readonly total: bigint;
  /** Lowest and highest price in the band, in minor units. */
  readonly min: bigint | null;
  readonly max: bigint | null;
}

export interface MatchCounts {
  readonly total: bigint;
  /** By kind; within a kind in the order in which they are shown. */
  readonly facets: readonly FacetRow[];
}

const valuesShown = sql.lit(20);
const attributesShown = sql.lit(10);

export async function countMatches(
  queries: Kysely<ProductTables>,
  conditions: SearchConditions,
  kinds: readonly FacetKind[],
  signal: AbortSignal,
): Promise<MatchCounts> {
  const parts = kinds.map((kind) => sql`union all ${facet(kind, conditions)}`);
  const { rows } = await sql<FacetRow>`
    with matches as materialized (
      select category, attributes, currency, price_minor from products.products
      where ${searchConditions(conditions)}
    )
    select 0 as kind, '' as attribute, '' as value, count(*) as count, count(*) as total,
      null::bigint as min, null::bigint as max, 0::bigint as place
    from matches
    ${sql.join(parts, sql` `)}
    order by kind, place`.execute(queries, { signal });
  const [all, ...facets] = rows;
  return { total: all?.count ?? 0n, facets };
}

function facet(kind: FacetKind, conditions: SearchConditions): RawBuilder<unknown> {
  switch (kind) {
    case FacetKind.FACET_KIND_CATEGORY:
      return categories(conditions.category);
    case FacetKind.FACET_KIND_ATTRIBUTES:
      return attributes();
    case FacetKind.FACET_KIND_PRICE_BANDS:
      return priceBands();
    default:
      throw new RangeError(`facet kind ${kind}: is not one`);
  }
}

/** One level below the category that was asked for. What stands in that category itself has no value there. */
function categories(category: string | undefined): RawBuilder<unknown> {
  const level = category === undefined ? 1 : category.split("/").length + 1;
  return sql`select * from (
    select ${sql.lit(FacetKind.FACET_KIND_CATEGORY)}, '', value, count(*), sum(count(*)) over ()::bigint,
      null::bigint, null::bigint, row_number() over (order by count(*) desc, value) as place
    from (
      select array_to_string((string_to_array(category, '/'))[:${level}::int], '/') as value
      from matches where split_part(category, '/', ${level}::int) <> ''
    ) as at_level
    group by value
  ) as counted where place <= ${valuesShown}`;
}

function attributes(): RawBuilder<unknown> {
  return sql`select ${sql.lit(FacetKind.FACET_KIND_ATTRIBUTES)}, key, value, count, total, null, null,
    row_number() over (order by key_place, value_place)
  from (
    select *, dense_rank() over (order by total desc, key) as key_place
    from (
      select key, value, count(*) as count, sum(count(*)) over (partition by key)::bigint as total,
        row_number() over (partition by key order by count(*) desc, value) as value_place
      from matches, jsonb_each_text(attributes)
      group by key, value
    ) as by_value
  ) as ranked
  where key_place <= ${attributesShown} and value_place <= ${valuesShown}`;
}

/** Eighths of the results of a currency, cut so that one price is in one band only: fewer bands when prices repeat. */
function priceBands(): RawBuilder<unknown> {
  return sql`select ${sql.lit(FacetKind.FACET_KIND_PRICE_BANDS)}, '', currency, count(*),
    sum(count(*)) over (partition by currency)::bigint, min(price_minor), max(price_minor),
    row_number() over (order by currency, min(price_minor))
  from matches join (
    select currency, percentile_disc(array[.125, .25, .375, .5, .625, .75, .875]) within group (order by price_minor) as cuts
    from matches group by currency
  ) as cut using (currency)
  group by currency, width_bucket(price_minor, cuts)`;
}
