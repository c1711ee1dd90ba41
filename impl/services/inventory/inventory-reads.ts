// The reads of inventory: single prepared statements, which take no lock and wait for nobody.
import { CompiledQuery } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import {
  RESERVATION_COLUMNS,
  type ReservationRow,
  reservationOf,
  STOCK_COLUMNS,
  type StockRow,
  stockOf,
} from "./inventory-tables.ts";
import type { Reservation } from "./reservation.ts";
import type { Stock } from "./stock.ts";

export interface InventoryReads {
  /** Undefined when none was ever received. */
  find(productId: string, signal: AbortSignal): Promise<Stock | undefined>;
  /** In no order; products of which none was ever received are left out. */
  findAll(productIds: readonly string[], signal: AbortSignal): Promise<readonly Stock[]>;
  /** Of all products in the order of their ids, the first `limit` after `after`, which is undefined for the first of all. */
  page(after: string | undefined, limit: number, signal: AbortSignal): Promise<readonly Stock[]>;
  findReservation(reservationId: string, signal: AbortSignal): Promise<Reservation | undefined>;
}

const STOCK = `select ${STOCK_COLUMNS} from inventory.stock`;
const LEAST_UUID = "00000000-0000-0000-0000-000000000000";

export function createInventoryReads({ queries }: Database<unknown>): InventoryReads {
  const stocks = async (text: string, parameters: unknown[], signal: AbortSignal) => {
    const query = CompiledQuery.raw(text, parameters);
    return (await queries.executeQuery<StockRow>(query, { signal })).rows.map(stockOf);
  };
  return {
    async find(productId, signal) {
      const [stock] = await stocks(`${STOCK} where product_id = $1`, [productId], signal);
      return stock;
    },
    findAll: (productIds, signal) =>
      stocks(`${STOCK} where product_id = any($1::uuid[])`, [productIds], signal),
    page(after, limit, signal) {
      const comparison = after === undefined ? ">=" : ">";
      const text = `${STOCK} where product_id ${comparison} $1 order by product_id limit $2`;
      return stocks(text, [after ?? LEAST_UUID, limit], signal);
    },
    async findReservation(reservationId, signal) {
      const text = `select ${RESERVATION_COLUMNS} from inventory.reservations where reservation_id = $1`;
      const query = CompiledQuery.raw(text, [reservationId]);
      const [row] = (await queries.executeQuery<ReservationRow>(query, { signal })).rows;
      return row === undefined ? undefined : reservationOf(row);
    },
  };
}
