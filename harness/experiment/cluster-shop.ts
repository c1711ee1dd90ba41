// The shop of the experiments with a gateway, filled through the system that owns its database: catalogue, customers, and where orders are
// taken stock and a few orders.

import { v7 as uuidV7 } from "uuid";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { catalogueOf, emailOf } from "#harness/sut/catalogue.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import type { Address } from "#harness/sut/start-system.ts";
import type { Shop } from "#harness/workload/shop.ts";
import { ReceiveStockRequest } from "#proto/ecommerce/v1/inventory.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { ClusterWorkload } from "./cluster-workload.ts";
import { clusterWorkloads } from "./cluster-workloads.ts";
import { headOf, placeOrder } from "./order-calls.ts";
import { prepareWorkloads } from "./prepare-workloads.ts";

export interface ClusterShopOptions {
  readonly address: Address;
  readonly token: string;
  readonly shop: Shop;
  readonly seed: number;
  /** Orders to place; with 0 there is no stock either, and only reads are prepared. */
  readonly orders: number;
  readonly signal: AbortSignal;
}

/** Of each product. */
const units = 10_000_000n;
const receiptLines = 200;
const ordersAtOnce = 4;

export async function fillClusterShop(options: ClusterShopOptions): Promise<ClusterWorkload[]> {
  const { address, token, shop, seed, orders, signal } = options;
  const connection = await connect({ ...address, signal });
  try {
    const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
    const productIds = [...seeded.productIds.values()];
    if (orders > 0) await receive(connection, token, productIds);
    const orderIds = await placeOrders(connection, token, productIds, orders);
    const [hotReads, searchPages] = await prepareWorkloads({
      connection,
      token,
      seeded,
      shop,
      emailOf,
      random: seededRandom(seed),
    });
    if (hotReads === undefined || searchPages === undefined) throw new Error("no reads were prepared");
    return clusterWorkloads({ token, productIds, hotReads, searchPages, orderIds });
  } finally {
    await connection.close();
  }
}

async function placeOrders(
  connection: WireConnection,
  token: string,
  productIds: readonly string[],
  count: number,
): Promise<string[]> {
  const head = headOf(token);
  const ids: string[] = [];
  while (ids.length < count) {
    const wanted = Array.from({ length: Math.min(ordersAtOnce, count - ids.length) }, (_, i) => {
      return placeOrder(connection, head, productIds[(ids.length + i) % productIds.length] ?? "");
    });
    for (const { status, orderId } of await Promise.all(wanted)) {
      if (status !== 0) throw new Error(`an order of the shop's filling failed with status ${status}`);
      ids.push(orderId);
    }
  }
  return ids;
}

async function receive(
  connection: WireConnection,
  token: string,
  productIds: readonly string[],
): Promise<void> {
  for (let from = 0; from < productIds.length; from += receiptLines) {
    const items = productIds
      .slice(from, from + receiptLines)
      .map((productId) => ({ productId, quantity: units }));
    const request = { items, reference: "experiment", requestId: uuidV7() };
    const { grpcStatus, grpcMessage } = await connection.call({
      ...headOf(token),
      path: "/ecommerce.v1.InventoryService/ReceiveStock",
      message: ReceiveStockRequest.encode(request).finish(),
    });
    if (grpcStatus !== 0) throw new Error(`ReceiveStock failed with status ${grpcStatus}: ${grpcMessage}`);
  }
}
