// What inventory must do, as simply as it can be said: numbers in memory, one step after another, and no code of the service.
import { type AdjustmentReason, ReservationState } from "#proto/ecommerce/v1/inventory.ts";

export type Step =
  | { readonly do: "receive"; readonly units: readonly number[] }
  | {
      readonly do: "adjust";
      readonly product: number;
      readonly delta: number;
      readonly reason: AdjustmentReason;
    }
  | { readonly do: "threshold"; readonly product: number; readonly units: number }
  | { readonly do: "reserve"; readonly units: readonly number[]; readonly seconds: number }
  | { readonly do: "commit" | "release"; readonly reservation: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "sweep" };

export interface ModelStock {
  received: number;
  available: number;
  reserved: number;
  sold: number;
  threshold: number;
}

interface ModelReservation {
  readonly units: readonly number[];
  readonly expiresAt: number;
  state: ReservationState;
}

const {
  RESERVATION_STATE_HELD: held,
  RESERVATION_STATE_COMMITTED: committed,
  RESERVATION_STATE_RELEASED: released,
  RESERVATION_STATE_EXPIRED: expired,
} = ReservationState;

/** "ok", or the reason of the refusal. A step that is about nothing is undefined. */
export type Outcome = string | undefined;

export class StockModel {
  /** Undefined until something was received. */
  readonly stocks: (ModelStock | undefined)[];
  readonly reservations: ModelReservation[] = [];
  /** Events of the kind LOW, by product. */
  readonly low: number[];
  #now = 0;

  constructor(products: number) {
    this.stocks = Array.from({ length: products }, () => undefined);
    this.low = Array.from({ length: products }, () => 0);
  }

  take(step: Step): Outcome {
    const before = this.stocks.map((stock) => this.#isLow(stock));
    const outcome = this.#take(step);
    for (const [product, stock] of this.stocks.entries()) {
      if (this.#isLow(stock) && !before[product]) this.low[product] = (this.low[product] ?? 0) + 1;
    }
    return outcome;
  }

  #take(step: Step): Outcome {
    switch (step.do) {
      case "receive":
        return this.#receive(step.units);
      case "adjust":
        return this.#adjust(step.product, step.delta, step.reason);
      case "threshold": {
        const stock = this.stocks[step.product];
        if (stock === undefined) return "NOT_FOUND";
        stock.threshold = step.units;
        return "ok";
      }
      case "reserve":
        return this.#reserve(step.units, step.seconds);
      case "commit":
      case "release":
        return this.#end(this.reservations[step.reservation], step.do);
      case "wait":
        this.#now += step.seconds;
        return "ok";
      case "sweep":
        for (const reservation of this.reservations) {
          if (reservation.state === held && reservation.expiresAt <= this.#now) {
            this.#close(reservation, expired);
          }
        }
        return "ok";
    }
  }

  #receive(units: readonly number[]): Outcome {
    if (units.every((count) => count === 0)) return undefined;
    for (const [product, count] of units.entries()) {
      if (count === 0) continue;
      const stock = this.stocks[product] ?? { received: 0, available: 0, reserved: 0, sold: 0, threshold: 0 };
      stock.received += count;
      stock.available += count;
      this.stocks[product] = stock;
    }
    return "ok";
  }

  #adjust(product: number, delta: number, reason: AdjustmentReason): Outcome {
    const stock = this.stocks[product];
    if (stock === undefined) return "NOT_FOUND";
    if (reason === 3) {
      if (delta > stock.sold) return "RETURN_EXCEEDS_SOLD";
      stock.sold -= delta;
    } else {
      if (stock.available + delta < 0) return "INSUFFICIENT_STOCK";
      stock.received += delta;
    }
    stock.available += delta;
    return "ok";
  }

  #reserve(units: readonly number[], seconds: number): Outcome {
    if (units.every((count) => count === 0)) return undefined;
    const enough = units.every((count, product) => (this.stocks[product]?.available ?? 0) >= count);
    if (!enough) return "INSUFFICIENT_STOCK";
    this.#move(units, "available", "reserved");
    this.reservations.push({ units, expiresAt: this.#now + seconds, state: held });
    return "ok";
  }

  #end(reservation: ModelReservation | undefined, how: "commit" | "release"): Outcome {
    if (reservation === undefined) return undefined;
    if (reservation.state === held) {
      const late = reservation.expiresAt <= this.#now;
      this.#close(reservation, late ? expired : how === "commit" ? committed : released);
    }
    if (how === "release") return reservation.state === committed ? "RESERVATION_COMMITTED" : "ok";
    if (reservation.state === committed) return "ok";
    return reservation.state === expired ? "RESERVATION_EXPIRED" : "RESERVATION_RELEASED";
  }

  #close(reservation: ModelReservation, state: ReservationState): void {
    reservation.state = state;
    this.#move(reservation.units, "reserved", state === committed ? "sold" : "available");
  }

  #move(
    units: readonly number[],
    from: "available" | "reserved",
    to: "available" | "reserved" | "sold",
  ): void {
    for (const [product, count] of units.entries()) {
      const stock = this.stocks[product];
      if (stock === undefined) continue;
      stock[from] -= count;
      stock[to] += count;
    }
  }

  #isLow(stock: ModelStock | undefined): boolean {
    return stock !== undefined && stock.threshold > 0 && stock.available <= stock.threshold;
  }
}
