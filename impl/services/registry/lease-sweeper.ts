// Forgets instances whose lease has ended, in the background. Runs in every process that serves the registry; between them they forget
// each one once.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { type Repeated, repeat } from "#impl/runtime/repeat.ts";
import type { RegistryStore } from "./registry-store.ts";

export interface LeaseSweeperOptions {
  readonly store: Pick<RegistryStore, "expireDue">;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long an instance that is gone is still called, at most. Default 1000. */
  readonly everyMs?: number;
  /** Instances in one transaction. Default 100. */
  readonly batchSize?: number;
}

export function startLeaseSweeper(options: LeaseSweeperOptions): Repeated {
  const { store, clock, log, everyMs = 1_000, batchSize = 100 } = options;
  const sweep = async (signal: AbortSignal): Promise<void> => {
    let forgotten = batchSize;
    while (forgotten === batchSize) forgotten = await store.expireDue(batchSize, signal);
  };
  return repeat("forget expired instances", everyMs, sweep, { clock, log });
}
