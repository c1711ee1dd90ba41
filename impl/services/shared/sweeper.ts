// Ends in the background what has run out of time. Runs in every process of a service; between them they end each thing once, as the
// store's locks see to.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";

export interface SweeperOptions {
  /** What it does, for the log: "expire reservations". */
  readonly name: string;
  /** Ends at most `limit` of what is due, in one transaction, and tells how many it has ended. */
  readonly store: { expireDue(limit: number, signal: AbortSignal): Promise<number> };
  readonly clock: Clock;
  readonly log: Logger;
  /** In one transaction, which holds the locks of all that they touch. */
  readonly batchSize: number;
  /** How late the end may be, about. Default 1000. */
  readonly everyMs?: number;
}

export function startSweeper({
  name,
  store,
  clock,
  log,
  batchSize,
  everyMs = 1_000,
}: SweeperOptions): Repeated {
  const sweep = async (signal: AbortSignal): Promise<void> => {
    let ended = batchSize;
    while (ended === batchSize) ended = await store.expireDue(batchSize, signal);
  };
  return repeat(name, everyMs, sweep, { clock, log });
}
