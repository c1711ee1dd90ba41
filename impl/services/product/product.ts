// What a product is, and the rules that the schema's field rules cannot say. No I/O, no messages but the values of enumerations.
import { failedPrecondition, type RpcError } from "#impl/runtime/rpc-error.ts";
import { Availability } from "#proto/ecommerce/v1/product.ts";
import type { Money } from "../shared/money.ts";

export { Availability };

export const PRODUCT_TYPE = "ecommerce.v1.Product";

/** Pictures that one product can have. */
export const MAX_IMAGES = 16;

/** What a writer decides. */
export interface ProductContent {
  readonly name: string;
  readonly description: string;
  /** "home/lighting"; empty when it is in none. */
  readonly category: string;
  readonly price: Money;
  readonly attributes: Readonly<Record<string, string>>;
  readonly availability: Availability;
}

export interface NewProduct extends ProductContent {
  readonly productId: string;
  readonly sku: string;
}

export interface Product extends NewProduct {
  readonly images: readonly ProductImage[];
  /** Grows with every change. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
  /** Set while the product is deleted. */
  readonly deleteTime: Date | undefined;
}

export interface ProductImage {
  readonly imageId: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly altText: string;
}

/** What is asked for without one is in stock. */
export function availabilityOrDefault(availability: Availability): Availability {
  return availability === Availability.AVAILABILITY_UNSPECIFIED
    ? Availability.AVAILABILITY_IN_STOCK
    : availability;
}

export function tooManyImages(productId: string): RpcError {
  return failedPrecondition("TOO_MANY_IMAGES", productId, `the product has ${MAX_IMAGES} pictures already`);
}
