// Which products a stream follows: as conditions, as the keys of events, and as SQL for the products that are there.
import { type RawBuilder, sql } from "kysely";
import type { ProductFilter } from "#proto/ecommerce/v1/product_service.ts";
import { type ProductUpdate, ProductUpdateKind } from "#proto/ecommerce/v1/product_service.ts";
import { categoryKey, type Placing, type ProductChange, productKey } from "./product-events.ts";
import type { PriceCondition } from "./product-search.ts";
import { inCategory, inPriceRange } from "./search-conditions.ts";
import { priceCondition } from "./search-request.ts";

/** Joined by "and"; an absent one does not restrict. */
export interface ProductConditions {
  readonly productIds: ReadonlySet<string> | undefined;
  /** This one and those below it. */
  readonly category: string | undefined;
  readonly price: PriceCondition | undefined;
}

/** Throws INVALID_ARGUMENT for prices that are not exact amounts, naming a field below `field`. */
export function productConditions(filter: ProductFilter | undefined, field: string): ProductConditions {
  const { productIds = [], category = "", priceRange } = filter ?? {};
  return {
    productIds: productIds.length === 0 ? undefined : new Set(productIds.map((id) => id.toLowerCase())),
    category: category === "" ? undefined : category,
    price: priceRange === undefined ? undefined : priceCondition(priceRange, `${field}.price_range`),
  };
}

/** Equal for filters that mean the same. */
export function canonical({ productIds, category, price }: ProductConditions): string {
  return JSON.stringify([
    productIds === undefined ? null : [...productIds].sort(),
    category ?? null,
    price === undefined ? null : [price.currency, String(price.min), String(price.max)],
  ]);
}

/** Keys of which every event that can match has one. Undefined: it may have any. */
export function eventKeys({ productIds, category }: ProductConditions): string[] | undefined {
  if (productIds !== undefined) return [...productIds].map(productKey);
  return category === undefined ? undefined : [categoryKey(category)];
}

/** The update as the followers of these products see it; undefined when it is not about one. */
export function updateFor(conditions: ProductConditions, change: ProductChange): ProductUpdate | undefined {
  const { update, before, after } = change;
  if (conditions.productIds?.has(change.productId) === false) return undefined;
  if (fits(conditions, after)) return update;
  const left = update.kind === ProductUpdateKind.PRODUCT_UPDATE_KIND_UPDATED && fits(conditions, before);
  return left ? { ...update, kind: ProductUpdateKind.PRODUCT_UPDATE_KIND_LEFT_FILTER } : undefined;
}

function fits({ category, price }: ProductConditions, product: Placing): boolean {
  if (
    category !== undefined &&
    product.category !== category &&
    !product.category.startsWith(`${category}/`)
  ) {
    return false;
  }
  if (price === undefined) return true;
  const { currency, minorUnits } = product.price;
  return (
    currency === price.currency &&
    (price.min === undefined || minorUnits >= price.min) &&
    (price.max === undefined || minorUnits <= price.max)
  );
}

/** Of products that are not deleted. */
export function filterConditions({ productIds, category, price }: ProductConditions): RawBuilder<boolean> {
  const all = [sql`delete_time is null`];
  if (productIds !== undefined) all.push(sql`product_id = any(${[...productIds]}::uuid[])`);
  if (category !== undefined) all.push(inCategory(category));
  if (price !== undefined) all.push(...inPriceRange(price));
  return sql<boolean>`${sql.join(all, sql` and `)}`;
}
