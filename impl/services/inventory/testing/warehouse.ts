// The calls of a warehouse and of its customers, each with a request id of its own, and what of their answers is always there.

import { randomUUID } from "node:crypto";
import { present } from "#impl/client/testing/answers.ts";
import type { AdjustmentReason, Reservation, Stock, StockItem } from "#proto/ecommerce/v1/inventory.ts";
import type { Process } from "./inventory-fixture.ts";

export function item(productId: string, quantity: bigint): StockItem {
  return { productId, quantity };
}

/** Calls with a request id of their own, and the present part of their answers. */
export function warehouse(client: Process["client"]) {
  const receive = async (...items: StockItem[]): Promise<Stock[]> =>
    (await client.receiveStock({ items, reference: "", requestId: randomUUID() })).stocks;
  return {
    receive,
    /** A product of which so many were received. */
    async product(units: bigint): Promise<string> {
      const productId = randomUUID();
      await receive(item(productId, units));
      return productId;
    },
    stock: async (productId: string): Promise<Stock> => present((await client.getStock({ productId })).stock),
    async threshold(productId: string, lowStockThreshold: bigint): Promise<Stock> {
      return present((await client.setLowStockThreshold({ productId, lowStockThreshold })).stock);
    },
    async reserve(items: StockItem[], ttlSeconds?: bigint): Promise<Reservation> {
      const ttl = ttlSeconds === undefined ? undefined : { seconds: ttlSeconds, nanos: 0 };
      const request = { orderId: randomUUID(), items, ttl, requestId: randomUUID() };
      return present((await client.reserveStock(request)).reservation);
    },
    async reservation(reservationId: string): Promise<Reservation> {
      return present((await client.getReservation({ reservationId })).reservation);
    },
    async adjust(productId: string, delta: bigint, reason: AdjustmentReason, etag = ""): Promise<Stock> {
      const request = { productId, delta, reason, note: "", etag, requestId: randomUUID() };
      return present((await client.adjustStock(request)).stock);
    },
    async commit(reservationId: string): Promise<Reservation> {
      const request = { reservationId, requestId: randomUUID() };
      return present((await client.commitReservation(request)).reservation);
    },
    async release(reservationId: string): Promise<Reservation> {
      const request = { reservationId, requestId: randomUUID() };
      return present((await client.releaseReservation(request)).reservation);
    },
  };
}
