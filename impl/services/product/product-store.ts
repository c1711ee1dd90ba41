// Products by key, and the writes of one product. A write takes the transaction it belongs to, and a lock before it decides.
import { type Kysely, sql, type Transaction } from "kysely";
import { alreadyExists, notFound } from "#impl/runtime/rpc-error.ts";
import type { Database } from "#impl/storage/database.ts";
import { StorageError } from "#impl/storage/errors.ts";
import {
  type NewProduct,
  PRODUCT_TYPE,
  type Product,
  type ProductContent,
  type ProductImage,
} from "./product.ts";
import {
  type ImageJson,
  PRODUCT_COLUMNS,
  type ProductRow,
  type ProductTables,
  productOf,
} from "./product-tables.ts";

export interface ProductStore {
  /** Deleted ones too. Undefined when there is none. */
  find(productId: string, signal: AbortSignal): Promise<Product | undefined>;
  /** In no order, deleted ones too; ids that are unknown are left out. */
  findAll(productIds: readonly string[], signal: AbortSignal): Promise<Product[]>;
  /** In no order, without deleted ones. */
  findAllBySku(skus: readonly string[], signal: AbortSignal): Promise<Product[]>;
}

type Writes = Transaction<ProductTables>;

export function createProductStore({ queries }: Database<ProductTables>): ProductStore {
  const byId = prepare(queries, sql`product_id = ${null}`);
  const byIds = prepare(queries, sql`product_id = any(${null}::uuid[])`);
  const bySkus = prepare(queries, sql`sku = any(${null}::text[]) and delete_time is null`);
  return {
    async find(productId, signal) {
      const [product] = await byId(productId, signal);
      return product;
    },
    findAll: (productIds, signal) => byIds(productIds, signal),
    findAllBySku: (skus, signal) => bySkus(skus, signal),
  };
}

/** A query with one parameter that is built once: building costs more than half of what running it does. */
function prepare(
  queries: Kysely<ProductTables>,
  condition: ReturnType<typeof sql<boolean>> | ReturnType<typeof sql>,
) {
  const compiled = queries
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .where(condition.$castTo<boolean>())
    .compile();
  return async (parameter: unknown, signal: AbortSignal): Promise<Product[]> => {
    const { rows } = await queries.executeQuery<ProductRow>(
      { ...compiled, parameters: [parameter] },
      { signal },
    );
    return rows.map(productOf);
  };
}

/** The product, deleted or not, which nobody else changes until the transaction ends. NOT_FOUND when there is none. */
export async function lockProduct(writes: Writes, productId: string): Promise<Product> {
  const row = await writes
    .selectFrom("products.products")
    .select(PRODUCT_COLUMNS)
    .where("product_id", "=", productId)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (row === undefined) throw notFound(PRODUCT_TYPE, productId);
  return productOf(row);
}

/** As `lockProduct`, and NOT_FOUND when it is deleted. */
export async function lockLiveProduct(writes: Writes, productId: string): Promise<Product> {
  const product = await lockProduct(writes, productId);
  if (product.deleteTime !== undefined) throw notFound(PRODUCT_TYPE, productId);
  return product;
}

/** ALREADY_EXISTS, naming the SKU, when a product that is not deleted has it. */
export async function insertProduct(writes: Writes, product: NewProduct, now: Date): Promise<Product> {
  const row = await writes
    .insertInto("products.products")
    .values({
      product_id: product.productId,
      sku: product.sku,
      ...contentColumns(product),
      create_time: now,
      update_time: now,
    })
    .returning(PRODUCT_COLUMNS)
    .executeTakeFirstOrThrow()
    .catch(skuIsTaken(product.sku));
  return productOf(row);
}

export function replaceContent(
  writes: Writes,
  productId: string,
  content: ProductContent,
  now: Date,
): Promise<Product> {
  return change(writes, productId, contentColumns(content), now);
}

export function replaceImages(
  writes: Writes,
  productId: string,
  images: readonly ProductImage[],
  now: Date,
): Promise<Product> {
  return change(writes, productId, { images: JSON.stringify(images.map(imageJson)) }, now);
}

export function markDeleted(writes: Writes, productId: string, now: Date): Promise<Product> {
  return change(writes, productId, { delete_time: now }, now);
}

/** ALREADY_EXISTS, naming the SKU, when another product has it now. */
export function markLive(writes: Writes, product: Product, now: Date): Promise<Product> {
  return change(writes, product.productId, { delete_time: null }, now).catch(skuIsTaken(product.sku));
}

async function change(
  writes: Writes,
  productId: string,
  columns: Partial<ReturnType<typeof contentColumns>> & { images?: string; delete_time?: Date | null },
  now: Date,
): Promise<Product> {
  const row = await writes
    .updateTable("products.products")
    .set({ ...columns, update_time: now })
    .set(({ eb }) => ({ version: eb("version", "+", 1n) }))
    .where("product_id", "=", productId)
    .returning(PRODUCT_COLUMNS)
    .executeTakeFirstOrThrow();
  return productOf(row);
}

function contentColumns({ name, description, category, price, attributes, availability }: ProductContent) {
  return {
    name,
    description,
    category,
    price_minor: price.minorUnits,
    currency: price.currency,
    attributes: JSON.stringify(attributes),
    availability,
  };
}

function imageJson({ imageId, contentType, sizeBytes, sha256, altText }: ProductImage): ImageJson {
  return { id: imageId, type: contentType, size: sizeBytes, sha256, alt: altText };
}

function skuIsTaken(sku: string): (error: unknown) => never {
  return (error) => {
    const taken = error instanceof StorageError && error.constraint === "products_sku";
    throw taken ? alreadyExists(PRODUCT_TYPE, sku) : error;
  };
}
