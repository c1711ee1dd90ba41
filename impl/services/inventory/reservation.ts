// Stock promised to an order, and the states of the promise. Held is where it begins; the other three are final. No I/O.
import { ReservationState } from "#proto/ecommerce/v1/inventory.ts";
import type { Item } from "./stock.ts";

export { ReservationState };

export const RESERVATION_TYPE = "ecommerce.v1.Reservation";
export const DEFAULT_TTL_MS = 900_000;

const {
  RESERVATION_STATE_HELD: held,
  RESERVATION_STATE_COMMITTED: committed,
  RESERVATION_STATE_RELEASED: released,
  RESERVATION_STATE_EXPIRED: expired,
} = ReservationState;

export interface Reservation {
  readonly reservationId: string;
  readonly orderId: string;
  /** At least one, no product twice. */
  readonly items: readonly Item[];
  readonly state: ReservationState;
  /** From then on it cannot be committed. */
  readonly expireTime: Date;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** What is asked of a reservation, or, for "expire", what time does to it. */
export type Ending = "commit" | "release" | "expire";

export type FinalState = typeof committed | typeof released | typeof expired;

/**
 * The state in which a held reservation ends; undefined when it holds on or has ended already. Time goes before the caller:
 * whatever is asked of one that is past its time, it expires.
 */
export function endOf(reservation: Reservation, ending: Ending, now: Date): FinalState | undefined {
  if (reservation.state !== held) return undefined;
  if (reservation.expireTime <= now) return expired;
  switch (ending) {
    case "commit":
      return committed;
    case "release":
      return released;
    case "expire":
      return undefined;
  }
}
