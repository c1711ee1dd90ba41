// Stock and reservations as messages.
import type {
  Reservation as ReservationMessage,
  Stock as StockMessage,
} from "#proto/ecommerce/v1/inventory.ts";
import { etagOf } from "../shared/etag.ts";
import type { Reservation } from "./reservation.ts";
import type { Stock } from "./stock.ts";

export function stockMessage(stock: Stock): StockMessage {
  const { productId, received, available, reserved, sold, lowStockThreshold, version, updateTime } = stock;
  return {
    productId,
    received,
    available,
    reserved,
    sold,
    lowStockThreshold,
    etag: etagOf(version),
    updateTime,
  };
}

export function reservationMessage(reservation: Reservation): ReservationMessage {
  const { reservationId, orderId, items, state, expireTime, createTime, updateTime } = reservation;
  return { reservationId, orderId, items: [...items], state, expireTime, createTime, updateTime };
}
