// The tables of inventory as rows, and rows as what they stand for.
import type { MigrationOptions } from "#impl/storage/migrations.ts";
import type { Reservation, ReservationState } from "./reservation.ts";
import type { Stock } from "./stock.ts";

/** For `migrate`, together with `eventTables` of the same schema: what must be there before the service runs. */
export const inventorySchema: MigrationOptions = {
  schema: "inventory",
  folder: new URL("./migrations/", import.meta.url),
};

export interface StockRow {
  readonly product_id: string;
  readonly received: bigint;
  readonly available: bigint;
  readonly reserved: bigint;
  readonly sold: bigint;
  readonly low_stock_threshold: bigint;
  readonly version: bigint;
  readonly update_time: Date;
}

export const STOCK_COLUMNS =
  "product_id, received, available, reserved, sold, low_stock_threshold, version, update_time";

export function stockOf(row: StockRow): Stock {
  return {
    productId: row.product_id,
    received: row.received,
    available: row.available,
    reserved: row.reserved,
    sold: row.sold,
    lowStockThreshold: row.low_stock_threshold,
    version: row.version,
    updateTime: row.update_time,
  };
}

export interface ReservationRow {
  readonly reservation_id: string;
  readonly order_id: string;
  readonly product_ids: readonly string[];
  readonly quantities: readonly bigint[];
  readonly state: ReservationState;
  readonly expire_time: Date;
  readonly create_time: Date;
  readonly update_time: Date;
}

export const RESERVATION_COLUMNS =
  "reservation_id, order_id, product_ids, quantities, state, expire_time, create_time, update_time";

export function reservationOf(row: ReservationRow): Reservation {
  return {
    reservationId: row.reservation_id,
    orderId: row.order_id,
    items: row.product_ids.map((productId, index) => ({ productId, quantity: row.quantities[index] ?? 0n })),
    state: row.state,
    expireTime: row.expire_time,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
