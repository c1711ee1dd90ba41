// A small shop for a run under faults: few products, so that orders meet at the same rows, and some of them scarce, so that some orders
// find nothing left.

import { v7 as uuidV7 } from "uuid";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { shopCallers } from "#harness/shop/shop-callers.ts";
import { catalogueOf } from "#harness/sut/catalogue.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import { syntheticShop } from "#harness/workload/synthetic-shop.ts";
import type { WireConnection } from "#wire/connection.ts";

const PRODUCTS = 12;
const SCARCE_PRODUCTS = 3;
const SCARCE_UNITS = 40n;
const PLENTY_UNITS = 1_000_000n;

/** The ids of the products, all of them with stock. */
export async function stockShelves(
  connection: WireConnection,
  token: string,
  random: SeededRandom,
): Promise<string[]> {
  const shop = syntheticShop({ seed: 1, products: PRODUCTS, customers: 1, baskets: 1 });
  const seeded = await seedShop({ connection, token, shop: { ...catalogueOf(shop), customers: [] } });
  const productIds = random.shuffled([...seeded.productIds.values()]);
  const { inventory } = shopCallers(connection, token, new AbortController().signal);
  const items = productIds.map((productId, i) => ({
    productId,
    quantity: i < SCARCE_PRODUCTS ? SCARCE_UNITS : PLENTY_UNITS,
  }));
  await inventory.receiveStock({ items, reference: "shelves", requestId: uuidV7() });
  return productIds;
}
