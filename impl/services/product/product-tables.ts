// The tables of the catalogue as rows, and a row as a product. What the database generates is not read and so not here.
import type { Generated, JSONColumnType } from "kysely";
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import type { Availability, Product } from "./product.ts";

/** Brings the catalogue's schema up to date. */
export const productsSchema: MigrationOptions = {
  schema: "products",
  folder: new URL("./migrations/", import.meta.url),
};

export interface ProductTables {
  "products.products": ProductsTable;
}

interface ProductsTable {
  product_id: string;
  sku: string;
  name: string;
  description: string;
  category: string;
  price_minor: bigint;
  currency: string;
  attributes: JSONColumnType<Record<string, string>, string, string>;
  images: JSONColumnType<ImageJson[], string | undefined, string>;
  availability: Availability;
  version: Generated<bigint>;
  create_time: Date;
  update_time: Date;
  delete_time: Date | null;
}

export interface ImageJson {
  readonly id: string;
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
  readonly alt: string;
}

export const PRODUCT_COLUMNS = [
  "product_id",
  "sku",
  "name",
  "description",
  "category",
  "price_minor",
  "currency",
  "attributes",
  "images",
  "availability",
  "version",
  "create_time",
  "update_time",
  "delete_time",
] as const satisfies readonly (keyof ProductsTable)[];

export interface ProductRow {
  readonly product_id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly price_minor: bigint;
  readonly currency: string;
  readonly attributes: Record<string, string>;
  readonly images: readonly ImageJson[];
  readonly availability: Availability;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
}

export function productOf(row: ProductRow): Product {
  return {
    productId: row.product_id,
    sku: row.sku,
    name: row.name,
    description: row.description,
    category: row.category,
    price: { minorUnits: row.price_minor, currency: row.currency },
    attributes: row.attributes,
    images: row.images.map(({ id, type, size, sha256, alt }) => ({
      imageId: id,
      contentType: type,
      sizeBytes: size,
      sha256,
      altText: alt,
    })),
    availability: row.availability,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}
