// Products as they are on the wire, from and to the domain's form.
import type { FieldViolation } from "#impl/runtime/error-details.ts";
import { invalidArgument } from "#impl/runtime/rpc-error.ts";
import {
  type ProductImage as ImageMessage,
  type Product as ProductMessage,
  ProductState,
} from "#proto/ecommerce/v1/product.ts";
import { etagOf } from "../shared/etag.ts";
import { moneyToProto, readMoney } from "../shared/money.ts";
import { unstorable } from "../shared/storable-text.ts";
import { availabilityOrDefault, type Product, type ProductContent, type ProductImage } from "./product.ts";

/** Throws INVALID_ARGUMENT naming every field of "product" that cannot be stored. */
export function contentOf(message: ProductMessage): ProductContent {
  const read = readContent(message);
  if ("violations" in read) throw invalidArgument(read.violations);
  return read;
}

/** As `contentOf`, with the violations as values. */
export function readContent(message: ProductMessage): ProductContent | { violations: FieldViolation[] } {
  const { name, description, category, attributes, availability } = message;
  const violations = [...unstorable({ name, description, attributes }, "product")];
  const price = readMoney(message.price ?? NO_MONEY, "product.price");
  if ("reason" in price) return { violations: [...violations, price] };
  if (violations.length > 0) return { violations };
  return {
    name,
    description,
    category,
    price,
    attributes,
    availability: availabilityOrDefault(availability),
  };
}

const NO_MONEY = { currencyCode: "", units: 0n, nanos: 0 };

export function productMessage(product: Product): ProductMessage {
  return {
    productId: product.productId,
    sku: product.sku,
    name: product.name,
    description: product.description,
    category: product.category,
    price: moneyToProto(product.price),
    attributes: product.attributes,
    images: product.images.map(imageMessage),
    availability: product.availability,
    state:
      product.deleteTime === undefined
        ? ProductState.PRODUCT_STATE_ACTIVE
        : ProductState.PRODUCT_STATE_DELETED,
    etag: etagOf(product.version),
    createTime: product.createTime,
    updateTime: product.updateTime,
    deleteTime: product.deleteTime,
  };
}

export function imageMessage(image: ProductImage): ImageMessage {
  return {
    imageId: image.imageId,
    contentType: image.contentType,
    sizeBytes: BigInt(image.sizeBytes),
    sha256: Buffer.from(image.sha256, "hex"),
    altText: image.altText,
  };
}
