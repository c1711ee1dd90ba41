// The products that a filter matches now, page by page in the order of their ids: the present state with which a stream can begin.
import type { ProductUpdate } from "#proto/ecommerce/v1/product_service.ts";
import { snapshotUpdate } from "./product-events.ts";
import type { ProductConditions } from "./product-filter.ts";
import { productMessage } from "./product-messages.ts";
import type { ProductStore } from "./product-store.ts";

const PAGE_PRODUCTS = 200;

export async function* productSnapshot(
  store: ProductStore,
  conditions: ProductConditions,
  signal: AbortSignal,
): AsyncGenerator<ProductUpdate> {
  for (let after: string | undefined; ; ) {
    const products = await store.listMatching(conditions, after, PAGE_PRODUCTS, signal);
    for (const product of products) yield snapshotUpdate(productMessage(product));
    if (products.length < PAGE_PRODUCTS) return;
    after = products.at(-1)?.productId;
  }
}
