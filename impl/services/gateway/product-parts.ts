// The products of an order: each once, found or missing.
import { batch } from "#impl/client/batch.ts";
import type { CallOptions, ClientOf } from "#impl/client/client.ts";
import { Code } from "#impl/runtime/status.ts";
import { type MissingPart, OrderPart } from "#proto/ecommerce/v1/gateway.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import type { Product } from "#proto/ecommerce/v1/product.ts";
import {
  BatchGetProductsRequest,
  type ProductServiceDefinition,
} from "#proto/ecommerce/v1/product_service.ts";
import type { Status } from "#proto/google/rpc/status.ts";
import { partStatus } from "./callee-status.ts";

export type ProductReader = Pick<ClientOf<ProductServiceDefinition>, "batchGetProducts">;

/** A product, or why there is none. */
export type Lookup = { readonly product: Product } | { readonly error: Status };

export interface ProductParts {
  readonly products: Product[];
  readonly missing: MissingPart[];
}

/** The most that BatchGetProducts takes. */
export const PRODUCTS_PER_CALL = 200;

export function productIdsOf(order: Order | undefined): string[] {
  return [...new Set(order?.lines.map(({ productId }) => productId))];
}

/** By id; one for each. A call that fails is the error of all that it asked for. */
export async function lookUp(
  client: ProductReader,
  ids: readonly string[],
  options: CallOptions,
): Promise<Map<string, Lookup>> {
  const chunks = Array.from({ length: Math.ceil(ids.length / PRODUCTS_PER_CALL) }, (_, index) =>
    ids.slice(index * PRODUCTS_PER_CALL, (index + 1) * PRODUCTS_PER_CALL),
  );
  const outcomes = await batch(chunks, (productIds) =>
    client.batchGetProducts(BatchGetProductsRequest.fromPartial({ productIds }), options),
  );
  const found = new Map<string, Lookup>();
  outcomes.forEach((outcome, index) => {
    if (outcome.ok) {
      for (const { key, result } of outcome.value.results) {
        if (result !== undefined) found.set(key?.value ?? "", lookupOf(result));
      }
    }
    const error = outcome.ok ? NOT_ANSWERED : partStatus(outcome.error);
    for (const id of chunks[index] ?? []) if (!found.has(id)) found.set(id, { error });
  });
  return found;
}

const NOT_ANSWERED: Status = { code: Code.UNAVAILABLE, message: "the product was left out", details: [] };

function lookupOf(result: { $case: "product"; value: Product } | { $case: "error"; value: Status }): Lookup {
  return result.$case === "product" ? { product: result.value } : { error: result.value };
}

/** What is missing for one reason is one part. */
export function partsOf(found: ReadonlyMap<string, Lookup>): ProductParts {
  const products: Product[] = [];
  const missing = new Map<number, MissingPart>();
  for (const [id, lookup] of found) {
    if ("product" in lookup) {
      products.push(lookup.product);
      continue;
    }
    const { error } = lookup;
    const part = missing.get(error.code) ?? { part: OrderPart.ORDER_PART_PRODUCTS, error, productIds: [] };
    part.productIds.push(id);
    missing.set(error.code, part);
  }
  return { products, missing: [...missing.values()] };
}
