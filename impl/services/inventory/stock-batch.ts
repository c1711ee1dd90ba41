// The results of a batch get: one for each product, in the order of the request, whatever became of the others.
import type { Call } from "#impl/runtime/call.ts";
import type { BatchGetStockResult } from "#proto/ecommerce/v1/inventory.ts";
import { stockNotFound } from "./inventory-errors.ts";
import { stockMessage } from "./inventory-messages.ts";
import type { InventoryStore } from "./inventory-store.ts";

export async function batchGetStock(
  productIds: readonly string[],
  store: InventoryStore,
  call: Call,
): Promise<BatchGetStockResult[]> {
  const stocks = await store.findAll(productIds, call.signal);
  const byId = new Map(stocks.map((stock) => [stock.productId, stock]));
  return productIds.map((productId) => {
    const stock = byId.get(productId.toLowerCase());
    if (stock !== undefined) return { productId, result: { $case: "stock", value: stockMessage(stock) } };
    const { code, message, details } = call.environment.boundary(stockNotFound(productId));
    return { productId, result: { $case: "error", value: { code, message, details: [...details] } } };
  });
}
