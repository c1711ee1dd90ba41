// Locked rows with the effects of commands on them, kept apart from what was loaded until they are written in one go.
import type { NewEvent } from "#impl/storage/events/event.ts";
import type { Effects, LockedState, Movement } from "./command.ts";
import type { Reservation } from "./reservation.ts";
import type { Stock } from "./stock.ts";
import { eventsOf } from "./stock-events.ts";

export interface StagedState extends LockedState {
  apply(effects: Effects): void;
  readonly staged: Staged;
}

/** What is to be written. */
export interface Staged {
  readonly stocks: readonly StagedStock[];
  readonly made: readonly Reservation[];
  readonly ended: readonly Reservation[];
  readonly movements: readonly Movement[];
  /** In the order of the changes. */
  readonly events: readonly NewEvent[];
}

export interface StagedStock {
  /** Undefined when there was no row. */
  readonly before: Stock | undefined;
  readonly after: Stock;
}

export interface LoadedRows {
  readonly now: Date;
  readonly stocks: readonly Stock[];
  readonly reservations: readonly Reservation[];
}

export function stagedState({ now, stocks, reservations }: LoadedRows): StagedState {
  const loaded = new Map(stocks.map((stock) => [stock.productId, stock]));
  const promised = new Map(reservations.map((reservation) => [reservation.reservationId, reservation]));
  const stockAfter = new Map<string, Stock>();
  const reservationAfter = new Map<string, Reservation>();
  const movements: Movement[] = [];
  const events: NewEvent[] = [];
  const stock = (productId: string): Stock | undefined => stockAfter.get(productId) ?? loaded.get(productId);
  return {
    now,
    stock,
    reservation: (reservationId) => reservationAfter.get(reservationId) ?? promised.get(reservationId),
    apply(effects) {
      for (const change of effects.changes) {
        const { after } = change;
        events.push(...eventsOf(change, stock(after.productId)));
        stockAfter.set(after.productId, after);
      }
      const { reservation } = effects;
      if (reservation !== undefined) reservationAfter.set(reservation.reservationId, reservation);
      if (effects.movements !== undefined) movements.push(...effects.movements);
    },
    get staged() {
      const changed = [...reservationAfter.values()];
      return {
        stocks: [...stockAfter.values()].map((after) => ({ before: loaded.get(after.productId), after })),
        made: changed.filter(({ reservationId }) => !promised.has(reservationId)),
        ended: changed.filter(({ reservationId }) => promised.has(reservationId)),
        movements,
        events,
      };
    },
  };
}
