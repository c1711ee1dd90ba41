// Stores a batch of an import: one statement, in a transaction of its own, so that an import holds no connection while it waits
// for its caller, and what one batch has stored stays when a later one fails.
import { sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import type { NewProduct } from "./product.ts";
import type { ProductTables } from "./product-tables.ts";

/** "update" replaces the content of a SKU that is there; "keep" leaves it alone. */
export type OnKnownSku = "update" | "keep";

/** What became of a SKU. One that is not in the result was equal to what is stored, or kept. */
export type BatchResult = ReadonlyMap<string, "created" | "updated">;

/** No SKU twice. */
export async function storeBatch(
  database: Database<ProductTables>,
  products: readonly NewProduct[],
  onKnownSku: OnKnownSku,
  now: Date,
  signal: AbortSignal,
): Promise<BatchResult> {
  const conflict = onKnownSku === "update" ? updateIfDifferent : sql`do nothing`;
  // In the order of SKUs, so that imports at the same time take their row locks in the same order.
  const statement = sql<{ sku: string; created: boolean }>`
    insert into products.products as stored (product_id, sku, name, description, category, price_minor, currency, attributes,
      availability, create_time, update_time)
    select product_id, sku, name, description, category, price_minor, currency, attributes, availability, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(products.map(record))}::jsonb) as given (product_id uuid, sku text, name text,
      description text, category text, price_minor bigint, currency text, attributes jsonb, availability smallint)
    order by sku collate "C"
    on conflict (sku) where delete_time is null ${conflict}
    returning sku, xmax = 0 as created`;
  const { rows } = await inTransaction(database, (transaction) => statement.execute(transaction), { signal });
  return new Map(rows.map(({ sku, created }) => [sku, created ? "created" : "updated"]));
}

// A row that the statement has inserted has no xmax; one that it found and updated has the xmax of its lock.
const updateIfDifferent = sql`do update set
    name = excluded.name, description = excluded.description, category = excluded.category,
    price_minor = excluded.price_minor, currency = excluded.currency, attributes = excluded.attributes,
    availability = excluded.availability, version = stored.version + 1, update_time = excluded.update_time
  where (stored.name, stored.description, stored.category, stored.price_minor, stored.currency, stored.attributes,
      stored.availability)
    is distinct from (excluded.name, excluded.description, excluded.category, excluded.price_minor, excluded.currency,
      excluded.attributes, excluded.availability)`;

function record({ productId, sku, price, ...content }: NewProduct) {
  const { name, description, category, attributes, availability } = content;
  return {
    product_id: productId,
    sku,
    name,
    description,
    category,
    price_minor: price.minorUnits.toString(),
    currency: price.currency,
    attributes,
    availability,
  };
}
