// The writes of one product inside a transaction, each with the event that tells of it. Whoever decides by what is stored takes the
// lock first.
import type { Transaction } from "kysely";
import { alreadyExists, notFound } from "#impl/runtime/rpc-error.ts";
import { StorageError } from "#impl/storage/errors.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import {
  type NewProduct,
  PRODUCT_TYPE,
  type Product,
  type ProductContent,
  type ProductImage,
} from "./product.ts";
import { type ChangeKind, productEvent } from "./product-events.ts";
import { type ImageJson, PRODUCT_COLUMNS, type ProductTables, productOf } from "./product-tables.ts";

export interface ProductWriter {
  /** ALREADY_EXISTS, naming the SKU, when a product that is not deleted has it. */
  insert(product: NewProduct): Promise<Product>;
  /** The product, deleted or not, which nobody else changes until the transaction ends. NOT_FOUND when there is none. */
  lock(productId: string): Promise<Product>;
  /** As `lock`, and NOT_FOUND when it is deleted. */
  lockLive(productId: string): Promise<Product>;
  replaceContent(locked: Product, content: ProductContent): Promise<Product>;
  replaceImages(locked: Product, images: readonly ProductImage[]): Promise<Product>;
  delete(locked: Product): Promise<Product>;
  /** ALREADY_EXISTS, naming the SKU, when another product has it now. */
  undelete(locked: Product): Promise<Product>;
}

export function createProductWriter(
  transaction: Transaction<ProductTables>,
  events: EventLog,
  now: Date,
): ProductWriter {
  const told = async (kind: ChangeKind, after: Product, before?: Product): Promise<Product> => {
    await events.append(transaction, [productEvent(kind, after, before)]);
    return after;
  };
  const lock = async (productId: string): Promise<Product> => {
    const row = await transaction
      .selectFrom("products.products")
      .select(PRODUCT_COLUMNS)
      .where("product_id", "=", productId)
      .forNoKeyUpdate()
      .executeTakeFirst();
    if (row === undefined) throw notFound(PRODUCT_TYPE, productId);
    return productOf(row);
  };
  const change = async ({ productId }: Product, columns: ChangedColumns): Promise<Product> => {
    const row = await transaction
      .updateTable("products.products")
      .set({ ...columns, update_time: now })
      .set(({ eb }) => ({ version: eb("version", "+", 1n) }))
      .where("product_id", "=", productId)
      .returning(PRODUCT_COLUMNS)
      .executeTakeFirstOrThrow();
    return productOf(row);
  };
  return {
    async insert(product) {
      const row = await transaction
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
      return told("created", productOf(row));
    },
    lock,
    async lockLive(productId) {
      const product = await lock(productId);
      if (product.deleteTime !== undefined) throw notFound(PRODUCT_TYPE, productId);
      return product;
    },
    replaceContent: async (locked, content) =>
      told("updated", await change(locked, contentColumns(content)), locked),
    replaceImages: async (locked, images) =>
      told("updated", await change(locked, { images: JSON.stringify(images.map(imageJson)) }), locked),
    delete: async (locked) => told("deleted", await change(locked, { delete_time: now })),
    undelete: async (locked) =>
      told("created", await change(locked, { delete_time: null }).catch(skuIsTaken(locked.sku))),
  };
}

type ChangedColumns = Partial<ReturnType<typeof contentColumns>> & {
  readonly images?: string;
  readonly delete_time?: Date | null;
};

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
