// The examples of docs/client.md, as code that is compiled and run by a test.
import {
  batch,
  CallError,
  createEcommerceClient,
  type EcommerceClient,
} from "#impl/client/ecommerce-client.ts";
import { GetProductRequest, StreamProductUpdatesRequest } from "#proto/ecommerce/v1/product_service.ts";

export function connectShop(
  addresses: readonly string[],
  currentToken: () => string,
  log: (what: string, fields: object) => void,
): EcommerceClient {
  return createEcommerceClient({
    addresses,
    token: () => currentToken(),
    pool: { minConnections: 2 },
    onEvent: (event) => log(event.type, event),
  });
}

export async function priceOf(client: EcommerceClient, productId: string): Promise<string> {
  try {
    const { product } = await client.products.getProduct(GetProductRequest.fromPartial({ productId }), {
      deadlineMs: 500,
    });
    return `${product?.price?.units} ${product?.price?.currencyCode}`;
  } catch (error) {
    if (error instanceof CallError && error.reason === "NOT_FOUND") return "not sold here";
    throw error;
  }
}

export async function follow(client: EcommerceClient, signal: AbortSignal, seen: (token: string) => void) {
  const request = StreamProductUpdatesRequest.fromPartial({});
  for await (const { resumeToken } of client.products.streamProductUpdates(request, { signal }))
    seen(resumeToken);
}

export async function pricesOf(client: EcommerceClient, productIds: readonly string[]): Promise<string[]> {
  const outcomes = await batch(productIds, (productId) => priceOf(client, productId), { concurrency: 8 });
  return outcomes.map((outcome) => (outcome.ok ? outcome.value : "unknown"));
}
