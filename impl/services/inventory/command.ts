// A command is a write as a pure decision over rows that are locked: which rows it needs, and what it makes of them. Commands
// that are decided one after another over the same locked rows come to what they would come to in transactions of their own,
// so that many can share one.
import type { RpcError } from "#impl/runtime/rpc-error.ts";
import type { AdjustmentReason, StockEventKind } from "#proto/ecommerce/v1/inventory.ts";
import type { Reservation } from "./reservation.ts";
import type { Stock } from "./stock.ts";

export interface Command<R> {
  /** Ids in lower case of the products whose stock it may look at and change. */
  readonly products: readonly string[];
  /** The same of reservations; the products of these are its too. */
  readonly reservations: readonly string[];
  /** Refuses by an RpcError: thrown, when nothing changes by it. May be called again, over other rows. */
  readonly decide: (state: LockedState) => Decision<R>;
}

/** What was locked, with the effects of the commands that were decided before. */
export interface LockedState {
  /** When the last lock was taken. */
  readonly now: Date;
  stock(productId: string): Stock | undefined;
  reservation(reservationId: string): Reservation | undefined;
}

export type Decision<R> =
  | { readonly effects: Effects; readonly answer: R }
  /** A refusal that has an effect all the same. */
  | { readonly effects: Effects; readonly refusal: RpcError };

export interface Effects {
  /** No product twice. */
  readonly changes: readonly StockChange[];
  /** One that is made or has ended. */
  readonly reservation?: Reservation;
  readonly movements?: readonly Movement[];
}

export interface StockChange {
  readonly kind: StockEventKind;
  readonly after: Stock;
  /** Below 0 only when a correction took units away. */
  readonly quantity: bigint;
  /** The one that it is about. */
  readonly reservation?: Reservation;
}

/** A delivery or a correction, for the record. */
export interface Movement {
  readonly productId: string;
  /** The stock's version with the change. */
  readonly version: bigint;
  /** Undefined for a delivery. */
  readonly reason: AdjustmentReason | undefined;
  readonly quantity: bigint;
  readonly note: string;
  readonly movedBy: string | undefined;
}

export const NO_EFFECTS: Effects = { changes: [] };
