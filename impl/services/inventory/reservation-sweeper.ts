// Ends reservations whose time has run out, in the background. Runs in every process; between them they end each one once.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { InventoryStore } from "./inventory-store.ts";

export interface ReservationSweeperOptions {
  readonly store: Pick<InventoryStore, "expireDue">;
  readonly clock: Clock;
  readonly log: Logger;
  /** For how long units that nobody can buy any more are kept from the others, at most. Default 1000. */
  readonly everyMs?: number;
  /** Reservations in one transaction, which holds the locks of all their products. Default 50. */
  readonly batchSize?: number;
}

export function startReservationSweeper(options: ReservationSweeperOptions): Repeated {
  const { store, clock, log, everyMs = 1_000, batchSize = 50 } = options;
  const sweep = async (signal: AbortSignal): Promise<void> => {
    let ended = batchSize;
    while (ended === batchSize) ended = await store.expireDue(batchSize, signal);
  };
  return repeat("expire reservations", everyMs, sweep, { clock, log });
}
