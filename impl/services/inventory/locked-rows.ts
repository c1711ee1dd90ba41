// Takes the locks of a write and reads what is under them. Every transaction takes them in one order, reservations by id and then
// products by id, so that no two wait for each other.
import { CompiledQuery, type Transaction } from "kysely";
import {
  RESERVATION_COLUMNS,
  type ReservationRow,
  reservationOf,
  STOCK_COLUMNS,
  type StockRow,
  stockOf,
} from "./inventory-tables.ts";
import { type Reservation, ReservationState } from "./reservation.ts";
import type { Stock } from "./stock.ts";

type Rows = Transaction<unknown>;

const LOCK_RESERVATIONS = `select ${RESERVATION_COLUMNS} from inventory.reservations
  where reservation_id = any($1::uuid[]) order by reservation_id for no key update`;

// Waits for nobody: what another process holds, it deals with.
const LOCK_DUE = `select ${RESERVATION_COLUMNS} from inventory.reservations
  where state = ${ReservationState.RESERVATION_STATE_HELD} and expire_time <= $1
  order by expire_time limit $2 for no key update skip locked`;

const LOCK_STOCK = `select ${STOCK_COLUMNS} from inventory.stock
  where product_id = any($1::uuid[]) order by product_id for no key update`;

export interface LockedRows {
  readonly stocks: readonly Stock[];
  readonly reservations: readonly Reservation[];
}

/** Ids in lower case, repeated or unknown ones among them. */
export async function lockRows(
  rows: Rows,
  reservationIds: readonly string[],
  productIds: readonly string[],
): Promise<LockedRows> {
  const reservations = reservationIds.length === 0 ? [] : await lockReservations(rows, reservationIds);
  return { reservations, stocks: await lockStock(rows, productIds, reservations) };
}

/** Reservations that are held past `now`, the longest first, without those that somebody else has locked. */
export async function lockDue(rows: Rows, now: Date, limit: number): Promise<LockedRows> {
  const { rows: found } = await rows.executeQuery<ReservationRow>(CompiledQuery.raw(LOCK_DUE, [now, limit]));
  const reservations = found.map(reservationOf);
  return { reservations, stocks: await lockStock(rows, [], reservations) };
}

async function lockReservations(rows: Rows, ids: readonly string[]): Promise<readonly Reservation[]> {
  const query = CompiledQuery.raw(LOCK_RESERVATIONS, [ids]);
  return (await rows.executeQuery<ReservationRow>(query)).rows.map(reservationOf);
}

async function lockStock(
  rows: Rows,
  productIds: readonly string[],
  reservations: readonly Reservation[],
): Promise<readonly Stock[]> {
  const ids = new Set(productIds);
  for (const { items } of reservations) for (const { productId } of items) ids.add(productId);
  if (ids.size === 0) return [];
  const query = CompiledQuery.raw(LOCK_STOCK, [[...ids]]);
  return (await rows.executeQuery<StockRow>(query)).rows.map(stockOf);
}
