// The results of a batch get: one for each key, in the order of the request, whatever became of the others.
import type { Call } from "#impl/runtime/call.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import type { Product as ProductMessage } from "#proto/ecommerce/v1/product.ts";
import type { BatchGetProductsRequest, BatchGetProductsResult } from "#proto/ecommerce/v1/product_service.ts";
import { PRODUCT_TYPE, type Product } from "./product.ts";
import type { ProductStore } from "./product-store.ts";

type Key = NonNullable<BatchGetProductsResult["key"]>;

export async function batchGet(
  { productIds, skus }: BatchGetProductsRequest,
  store: ProductStore,
  show: (product: Product) => ProductMessage,
  call: Call,
): Promise<BatchGetProductsResult[]> {
  const [found, foundBySku] = await Promise.all([
    productIds.length === 0 ? [] : store.findAll(productIds, call.signal),
    skus.length === 0 ? [] : store.findAllBySku(skus, call.signal),
  ]);
  const byId = new Map(found.map((product) => [product.productId, product]));
  const bySku = new Map(foundBySku.map((product) => [product.sku, product]));
  const result = (key: Key, product: Product | undefined): BatchGetProductsResult => ({
    key,
    result:
      product === undefined
        ? { $case: "error", value: missing(key.value, call) }
        : { $case: "product", value: show(product) },
  });
  return [
    // A UUID may be written in capitals.
    ...productIds.map((id) => result({ $case: "productId", value: id }, byId.get(id.toLowerCase()))),
    ...skus.map((sku) => result({ $case: "sku", value: sku }, bySku.get(sku))),
  ];
}

/** The status that a single get would have ended with. */
function missing(name: string, call: Call) {
  const { code, message, details } = call.environment.boundary(notFound(PRODUCT_TYPE, name));
  return { code, message, details: [...details] };
}
