// Stores a batch of an import: one statement, and one more for the events of what it changed.
import { sql, type Transaction } from "kysely";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { Availability, NewProduct, ProductContent } from "./product.ts";
import { productEvent } from "./product-events.ts";
import { PRODUCT_COLUMNS, type ProductRow, type ProductTables, productOf } from "./product-tables.ts";

/** "update" replaces the content of a SKU that is there; "keep" leaves it alone. */
export type OnKnownSku = "update" | "keep";

/** What became of a SKU. One that is not in the result was equal to what is stored, or kept. */
export type BatchResult = ReadonlyMap<string, "created" | "updated">;

/** No SKU twice. */
export async function storeBatch(
  transaction: Transaction<ProductTables>,
  products: readonly NewProduct[],
  onKnownSku: OnKnownSku,
  events: EventLog,
  now: Date,
): Promise<BatchResult> {
  const conflict = onKnownSku === "update" ? updateIfDifferent : sql`do nothing`;
  // In the order of SKUs, so that imports at the same time take their row locks in the same order.
  const { rows } = await sql<StoredRow>`
    insert into products.products as stored (product_id, sku, name, description, category, price_minor, currency, attributes,
      availability, create_time, update_time)
    select product_id, sku, name, description, category, price_minor, currency, attributes, availability, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(products.map(record))}::jsonb) as given (product_id uuid, sku text, name text,
      description text, category text, price_minor bigint, currency text, attributes jsonb, availability smallint)
    order by sku collate "C"
    on conflict (sku) where delete_time is null ${conflict}
    returning ${sql.join(PRODUCT_COLUMNS.map((column) => sql.ref(`new.${column}`)))},
      old.name as old_name, old.description as old_description, old.category as old_category,
      old.price_minor as old_price_minor, old.currency as old_currency, old.attributes as old_attributes,
      old.availability as old_availability`.execute(transaction);
  const stored = rows.map((row) => {
    const after = productOf(row);
    const before = contentBefore(row);
    return before === undefined
      ? { after, what: "created" as const, event: productEvent("created", after) }
      : {
          after,
          what: "updated" as const,
          event: productEvent("updated", after, { ...before, images: after.images }),
        };
  });
  await events.append(
    transaction,
    stored.map(({ event }) => event),
  );
  return new Map(stored.map(({ after, what }) => [after.sku, what]));
}

type StoredRow = ProductRow &
  (
    | { readonly old_name: null }
    | {
        readonly old_name: string;
        readonly old_description: string;
        readonly old_category: string;
        readonly old_price_minor: bigint;
        readonly old_currency: string;
        readonly old_attributes: Record<string, string>;
        readonly old_availability: Availability;
      }
  );

/** Undefined when it was added. */
function contentBefore(row: StoredRow): ProductContent | undefined {
  if (row.old_name === null) return undefined;
  return {
    name: row.old_name,
    description: row.old_description,
    category: row.old_category,
    price: { minorUnits: row.old_price_minor, currency: row.old_currency },
    attributes: row.old_attributes,
    availability: row.old_availability,
  };
}

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
