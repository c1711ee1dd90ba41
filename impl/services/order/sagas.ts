// The sagas of a process: every kind with what runs it, in the hands of the process's workers.
import { callingFor } from "#impl/client/calling-for.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { NewId } from "#impl/runtime/ids.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { runNoticeSaga } from "./saga/notice-saga.ts";
import { createNotices, type NoticeOptions, type Notices } from "./saga/notify.ts";
import { type OrderSagaContext, runOrderSaga } from "./saga/order-saga.ts";
import type { StepServices } from "./saga/order-step.ts";
import { runRefundSaga } from "./saga/refund-saga.ts";
import { runReturnSaga } from "./saga/return-saga.ts";
import type { SagaRun } from "./saga/saga.ts";
import { checkSagaLimits, DEFAULT_SAGA_LIMITS, type SagaLimits } from "./saga/saga-limits.ts";
import { createSagaStore } from "./saga/saga-store.ts";
import { createSagaWorkers, type SagaWorkers, type SagaWorkersOptions } from "./saga/saga-workers.ts";

export interface SagasOptions extends Omit<StepServices, "reservationTtlMs"> {
  readonly database: Database<unknown>;
  /** The log of orders. */
  readonly events: EventLog;
  /** Absent: customers are not told. */
  readonly notifications?: NoticeOptions["notifications"];
  readonly channels?: NoticeOptions["channels"];
  /** How long stock is promised to an order in process. Default 30 min: no step waits as long, and an outage may. */
  readonly reservationTtlMs?: number;
  readonly limits?: Partial<SagaLimits>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly newId: NewId;
  readonly log: Logger;
}

export interface Sagas extends SagaWorkers {
  /** How a saga is stored that is in the hands of this process. */
  readonly lease: { readonly holder: string; readonly leaseMs: number };
  /** Undefined: customers are not told. */
  readonly notices: Notices | undefined;
}

const HALF_AN_HOUR_MS = 1_800_000;

/** Does nothing before it is started. Throws a RangeError on an invalid limit. */
export function createSagas(options: SagasOptions): Sagas {
  const { database, notifications, channels, clock, random, newId, log } = options;
  const limits = checkSagaLimits({ ...DEFAULT_SAGA_LIMITS, ...options.limits });
  const lease = { holder: newId(), leaseMs: limits.leaseMs };
  const notices =
    notifications &&
    createNotices({
      notifications,
      maxAttempts: limits.maxAttempts,
      log,
      ...(channels === undefined ? {} : { channels }),
    });
  const store = createSagaStore({ queries: database.queries, ...lease });
  const context: OrderSagaContext = {
    database,
    events: options.events,
    store,
    holder: lease.holder,
    services: { ...options, reservationTtlMs: options.reservationTtlMs ?? HALF_AN_HOUR_MS },
    notices,
    clock,
    log,
    maxAttempts: limits.maxAttempts,
  };
  const workers = createSagaWorkers({
    store,
    handlers: sagaHandlers(context),
    limits,
    clock,
    random,
    log,
  });
  return { ...workers, lease, notices };
}

/** What each kind of saga is run by. */
export function sagaHandlers(context: OrderSagaContext): SagaWorkersOptions["handlers"] {
  return {
    order: (run) => runOrderSaga(run, forBuyer(context, run)),
    refund: (run) => runRefundSaga(run, forBuyer(context, run)),
    return: (run) => runReturnSaga(run, forBuyer(context, run)),
    notice: (run) => runNoticeSaga(run, context),
  };
}

/** What a saga asks of stock and payments it asks for who bought, who may have gone long ago. */
function forBuyer(context: OrderSagaContext, { task }: SagaRun): OrderSagaContext {
  const { userId } = task.order;
  if (userId === undefined) return context;
  const { inventory, payments } = context.services;
  const services = {
    ...context.services,
    inventory: callingFor(inventory, { userId }),
    payments: callingFor(payments, { userId }),
  };
  return { ...context, services };
}
