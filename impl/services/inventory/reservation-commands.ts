// The commands of orders: to promise stock, to sell it, to let it go; and what time does to a promise.
import type { RpcError } from "#impl/runtime/rpc-error.ts";
import { StockEventKind } from "#proto/ecommerce/v1/inventory.ts";
import { type Command, type Effects, type LockedState, NO_EFFECTS, type StockChange } from "./command.ts";
import {
  insufficientStock,
  reservationCommitted,
  reservationExpired,
  reservationNotFound,
  reservationReleased,
} from "./inventory-errors.ts";
import { type Ending, endOf, type FinalState, type Reservation, ReservationState } from "./reservation.ts";
import { type Item, letGo, type Move, moved, reserve, type Stock, sell, summed } from "./stock.ts";

const {
  RESERVATION_STATE_HELD,
  RESERVATION_STATE_COMMITTED,
  RESERVATION_STATE_RELEASED,
  RESERVATION_STATE_EXPIRED,
} = ReservationState;
const {
  STOCK_EVENT_KIND_RESERVED: reserved,
  STOCK_EVENT_KIND_COMMITTED: committed,
  STOCK_EVENT_KIND_RELEASED: released,
  STOCK_EVENT_KIND_EXPIRED: expired,
} = StockEventKind;

export interface Promised {
  readonly reservationId: string;
  readonly orderId: string;
  readonly items: readonly Item[];
  readonly ttlMs: number;
}

/** All items or none: INSUFFICIENT_STOCK names every product of which there is not enough. */
export function reserveStock({ reservationId, orderId, items, ttlMs }: Promised): Command<Reservation> {
  const sums = summed(items);
  return {
    products: sums.map(({ productId }) => productId),
    reservations: [],
    decide(state) {
      const { now } = state;
      const shortages = sums.flatMap(({ productId, quantity }) => {
        const available = state.stock(productId)?.available ?? 0n;
        return available < quantity ? [{ productId, requested: quantity, available }] : [];
      });
      if (shortages.length > 0) throw insufficientStock(shortages);
      const reservation: Reservation = {
        reservationId,
        orderId: orderId.toLowerCase(),
        items: sums,
        state: RESERVATION_STATE_HELD,
        expireTime: new Date(now.getTime() + ttlMs),
        createTime: now,
        updateTime: now,
      };
      return { effects: effectsOf(state, reservation, reserved, reserve), answer: reservation };
    },
  };
}

/** Sells. One that comes too late is refused, and ends the reservation, so that the refusal holds wherever it is asked again. */
export function commitReservation(reservationId: string): Command<Reservation> {
  return ending(reservationId, "commit", ({ state, reservationId: id }) => {
    if (state === RESERVATION_STATE_RELEASED) return reservationReleased(id);
    return state === RESERVATION_STATE_EXPIRED ? reservationExpired(id) : undefined;
  });
}

/** Lets go. */
export function releaseReservation(reservationId: string): Command<Reservation> {
  return ending(reservationId, "release", ({ state, reservationId: id }) =>
    state === RESERVATION_STATE_COMMITTED ? reservationCommitted(id) : undefined,
  );
}

/** Lets go of what is past its time; without effect on any other. */
export function expireReservation(reservationId: string): Command<Reservation> {
  return ending(reservationId, "expire", () => undefined);
}

/** `refusalOf` what the reservation is afterwards, by this command or by one before. */
function ending(
  id: string,
  what: Ending,
  refusalOf: (after: Reservation) => RpcError | undefined,
): Command<Reservation> {
  const reservationId = id.toLowerCase();
  return {
    products: [],
    reservations: [reservationId],
    decide(state) {
      const before = state.reservation(reservationId);
      if (before === undefined) throw reservationNotFound(reservationId);
      const end = endOf(before, what, state.now);
      const after = end === undefined ? before : { ...before, state: end, updateTime: state.now };
      const effects = end === undefined ? NO_EFFECTS : endEffects(state, after, end);
      const refusal = refusalOf(after);
      return refusal === undefined ? { effects, answer: after } : { effects, refusal };
    },
  };
}

function endEffects(state: LockedState, reservation: Reservation, end: FinalState): Effects {
  switch (end) {
    case RESERVATION_STATE_COMMITTED:
      return effectsOf(state, reservation, committed, sell);
    case RESERVATION_STATE_RELEASED:
      return effectsOf(state, reservation, released, letGo);
    case RESERVATION_STATE_EXPIRED:
      return effectsOf(state, reservation, expired, letGo);
  }
}

function effectsOf(state: LockedState, reservation: Reservation, kind: StockEventKind, move: Move): Effects {
  const changes = reservation.items.map(({ productId, quantity }): StockChange => {
    const after = moved(lockedStock(state, productId), move(quantity), state.now);
    return { kind, after, quantity, reservation };
  });
  return { changes, reservation };
}

function lockedStock(state: LockedState, productId: string): Stock {
  const stock = state.stock(productId);
  if (stock === undefined) throw new Error(`the stock of ${productId} is promised and not there`);
  return stock;
}
