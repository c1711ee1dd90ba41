// A catalogue large enough for PostgreSQL to find its indexes worth using.
import { type Kysely, sql } from "kysely";
import type { ProductTables } from "../product-tables.ts";

/**
 * `count` products: fifty categories at two levels, of which each has the same share; two currencies; "brass" in the name of every
 * fiftieth; one of ten colours.
 */
export async function insertManyProducts(queries: Kysely<ProductTables>, count: number): Promise<void> {
  await sql`
    insert into products.products (product_id, sku, name, description, category, price_minor, currency, attributes, availability,
      create_time, update_time)
    select gen_random_uuid(), 'SKU-' || n,
      (array['small','large','round','square','tall'])[n % 5 + 1] || case n % 50 when 7 then ' brass' else ' wooden' end || ' ' ||
        (array['lantern','chair','table','bowl','clock','mirror','frame'])[n % 7 + 1],
      'Number ' || n || ' of a long range, made for rooms that need one more thing of its kind',
      (array['home','garden','kitchen','office','gifts'])[n % 5 + 1] || '/' || 'part-' || n / 5 % 10,
      n * 7919 % 10000, case n % 10 when 0 then 'EUR' else 'GBP' end,
      jsonb_build_object('colour', 'colour-' || n * 31 % 97 % 10, 'size', (array['S','M','L'])[n % 3 + 1]),
      n % 4 + 1, timestamptz '2026-01-01' + n * interval '1 minute', now()
    from generate_series(1, ${count}::int) as n`.execute(queries);
  await sql`vacuum analyze products.products`.execute(queries);
}

/** 60 products of the category "bulk" with many ties: two currencies, four prices, six names, six times. */
export async function insertTies(queries: Kysely<ProductTables>): Promise<void> {
  await sql`insert into products.products (product_id, sku, name, description, category, price_minor, currency, attributes,
        availability, create_time, update_time)
      select gen_random_uuid(), 'bulk-' || n, case n % 3 when 0 then 'Thing' else 'thing ' || n % 5 end, 'thing', 'bulk',
        n % 4 * 100, case n % 2 when 0 then 'GBP' else 'EUR' end, '{}', 1, now() + n / 10 * interval '1 ms', now()
      from generate_series(1, 60) as n`.execute(queries);
}
