// Receives what the trace sells: as many units of each product as its orders take, and no more.

import { v5 as uuidV5 } from "uuid";
import type { ShopCallers } from "#harness/shop/shop-callers.ts";
import type { SeededShop } from "#harness/sut/seed-shop.ts";
import type { Trace } from "./trace.ts";

const REQUEST_IDS = "c7d1d0a4-1c6e-4e43-8a7e-0a7a7f5c1d22";
const PRODUCTS_A_DELIVERY = 1000;

export async function receiveStock(
  { inventory }: ShopCallers,
  trace: Trace,
  { productIds }: SeededShop,
): Promise<void> {
  const units = new Map<string, bigint>();
  for (const { sku, quantity } of trace.orders.flatMap(({ lines }) => lines)) {
    const productId = productIds.get(sku);
    if (productId !== undefined) units.set(productId, (units.get(productId) ?? 0n) + BigInt(quantity));
  }
  const items = [...units].map(([productId, quantity]) => ({ productId, quantity }));
  for (let from = 0; from < items.length; from += PRODUCTS_A_DELIVERY) {
    await inventory.receiveStock({
      items: items.slice(from, from + PRODUCTS_A_DELIVERY),
      reference: "replay",
      requestId: uuidV5(`delivery ${from}`, REQUEST_IDS),
    });
  }
}
