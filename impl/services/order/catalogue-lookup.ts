// What the catalogue says of products, asked of ProductService in few calls: each product once, many a call, several calls at a time.
import { CallError } from "#impl/client/call-error.ts";
import type { CallOptions, ClientOf } from "#impl/client/client.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { ProductState } from "#proto/ecommerce/v1/product.ts";
import type {
  BatchGetProductsResult,
  ProductServiceDefinition,
} from "#proto/ecommerce/v1/product_service.ts";
import { type Money, moneyFromProto } from "../shared/money.ts";

export type ProductClient = Pick<ClientOf<ProductServiceDefinition>, "batchGetProducts">;

/** What an order keeps of a product. */
export interface CatalogueEntry {
  readonly productId: string;
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  readonly deleted: boolean;
}

/** The most that BatchGetProducts takes. */
const PRODUCTS_PER_CALL = 200;
const CALLS_AT_ONCE = 8;
const FIELDS = ["product_id", "sku", "name", "price", "state"];

/** By id in lower case; ids that are unknown are left out. UNAVAILABLE when the catalogue does not answer. */
export async function lookUpProducts(
  client: ProductClient,
  productIds: Iterable<string>,
  options: CallOptions,
): Promise<ReadonlyMap<string, CatalogueEntry>> {
  const ids = [...new Set(productIds)];
  const found = new Map<string, CatalogueEntry>();
  const chunks = Array.from({ length: Math.ceil(ids.length / PRODUCTS_PER_CALL) }, (_, index) =>
    ids.slice(index * PRODUCTS_PER_CALL, (index + 1) * PRODUCTS_PER_CALL),
  ).values();
  const work = async (): Promise<void> => {
    // Taken from one iterator by all workers, so that none is asked for twice.
    for (const chunk of chunks) {
      const request = { productIds: chunk, skus: [], readMask: FIELDS };
      const { results } = await client.batchGetProducts(request, options).catch(rethrow);
      for (const result of results) keep(result, found);
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(CALLS_AT_ONCE, Math.ceil(ids.length / PRODUCTS_PER_CALL)) }, work),
  );
  return found;
}

function keep({ result }: BatchGetProductsResult, found: Map<string, CatalogueEntry>): void {
  if (result?.$case !== "product") return;
  const { productId, sku, name, price, state } = result.value;
  if (price === undefined)
    throw new TypeError(`product ${productId} came from the catalogue without its price`);
  found.set(productId, {
    productId,
    sku,
    name,
    price: moneyFromProto(price, "price"),
    deleted: state === ProductState.PRODUCT_STATE_DELETED,
  });
}

const PASSING: ReadonlySet<Code> = new Set([
  Code.UNAVAILABLE,
  Code.DEADLINE_EXCEEDED,
  Code.RESOURCE_EXHAUSTED,
  Code.ABORTED,
]);
const RETRY_DELAY_MS = 500;

/** Another service's status is not ours: what passes is told as such, anything else is a defect between the two. */
function rethrow(error: unknown): never {
  if (!(error instanceof CallError) || !PASSING.has(error.code)) throw error;
  throw unavailable("CATALOGUE_UNAVAILABLE", "the catalogue does not answer", RETRY_DELAY_MS, error);
}
