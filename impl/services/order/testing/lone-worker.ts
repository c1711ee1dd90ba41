// A worker without timers: it takes the sagas that are there and runs each until it ends or the worker dies. Leases are over when a
// test says so.
import { sql } from "kysely";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import type { OrderSagaContext } from "../saga/order-saga.ts";
import { LeaseLost, Overtaken, type SagaRun } from "../saga/saga.ts";
import { createSagaStore } from "../saga/saga-store.ts";
import { sagaHandlers } from "../sagas.ts";
import { Death, type Mortal, mortal } from "./mortal.ts";
import type { Shop } from "./shop.ts";

export interface Place {
  readonly shop: Shop;
  readonly database: Database<unknown>;
  readonly events: EventLog;
}

/** Failures of an immortal worker in a row after which a saga counts as stuck. */
const PATIENCE = 200;

/** Takes every saga that there is, and works at it until it has ended. Returns early when it dies or the saga is in other hands. */
export async function workAlone({ shop, database, events }: Place, life: Mortal = mortal(0)): Promise<void> {
  const own = life.database(database);
  const holder = newId();
  const store = createSagaStore({ queries: own.queries, holder, leaseMs: 60_000 });
  const context: OrderSagaContext = {
    database: own,
    events,
    store,
    holder,
    services: {
      inventory: life.client(shop.inventory.client),
      payments: life.client(shop.payments.client),
      reservationTtlMs: 1_800_000,
    },
    notices: undefined,
    clock: systemClock,
    log: recordingLogger([]),
    maxAttempts: PATIENCE,
  };
  const handlers = sagaHandlers(context);
  await endLeases(database);
  try {
    for (const task of await store.claim(100)) {
      const run: SagaRun = { task, signal: new AbortController().signal };
      await untilEnded(async () => {
        try {
          await handlers[task.saga.kind](run);
        } catch (error) {
          if (error instanceof Overtaken) run.task = await store.reload(task.saga.sagaId);
          throw error;
        }
      }, shop);
    }
  } catch (error) {
    if (!(error instanceof Death || error instanceof LeaseLost)) throw error;
  }
}

/** As if every process that holds one had been silent for too long. */
export async function endLeases({ queries }: Database<unknown>): Promise<void> {
  await sql`update orders.sagas set due_time = clock_timestamp()`.execute(queries);
}

async function untilEnded(work: () => Promise<void>, shop: Shop): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (error instanceof Death || error instanceof LeaseLost || failures === PATIENCE) throw error;
      await shop.payments.reconcile();
    }
  }
}
