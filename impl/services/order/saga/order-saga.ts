// The processing of an order: forward step by step to PROCESSING, or back step by step to an error state. A step is written down as
// begun, with the state it runs in, before it runs; so whoever takes over after a crash runs it again, or undoes it.
import type { Kysely } from "kysely";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Database } from "#impl/storage/database.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import type { Order } from "../order.ts";
import { OrderStatus } from "../order.ts";
import { moved, type OrderChange, storeLines, storeOrder } from "../order-change.ts";
import type { StatusEvent } from "../order-status.ts";
import { authorize } from "./authorize.ts";
import { capture } from "./capture.ts";
import { confirm } from "./confirm.ts";
import { NOTIFY, type Notices, noticeOfEnd } from "./notify.ts";
import type { OrderStep, StepServices } from "./order-step.ts";
import { reserve } from "./reserve.ts";
import { Overtaken, type SagaFailure, type SagaRun, type SagaTask } from "./saga.ts";
import type { SagaStore } from "./saga-store.ts";

export interface OrderSagaContext {
  readonly database: Database<unknown>;
  readonly events: EventLog;
  readonly store: SagaStore;
  readonly holder: string;
  readonly services: StepServices;
  /** Undefined: nobody is told. */
  readonly notices: Notices | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often a step is tried before the saga goes back. */
  readonly maxAttempts: number;
}

type StepName = "reserve" | "authorize" | "confirm" | "capture";

const STEPS: ReadonlyArray<readonly [StepName, OrderStep]> = [
  ["reserve", reserve],
  ["authorize", authorize],
  ["confirm", confirm],
  ["capture", capture],
];

/** Returns when the saga has ended. Throws when it must be run again: NotYet, Overtaken, LeaseLost, or what went wrong. */
export async function runOrderSaga(run: SagaRun, context: OrderSagaContext): Promise<void> {
  while (run.task.saga.step !== NOTIFY) {
    const next = run.task.saga.undoing ? await goBack(run, context) : await goForward(run, context);
    if (next === undefined) return;
    run.task = next;
  }
  await context.notices?.tell(run.task, noticeOfEnd(run.task.order), run.signal);
  await context.store.end(run.task.saga);
}

/** One step. Undefined when the saga has ended. */
async function goForward(
  { task, signal }: SagaRun,
  context: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const { saga } = task;
  const at = STEPS.findIndex(([name]) => name === saga.step);
  const step = STEPS[at]?.[1];
  if (step?.run === undefined) return await advance(task, {}, at + 1, context);
  try {
    const result = await step.run(task, context.services, signal);
    switch (result.kind) {
      case "done":
        return await advance(task, result.change, at + 1, context);
      case "again":
        if (saga.attempts + 1 < context.maxAttempts) {
          return {
            ...task,
            saga: { ...(await context.store.keep(saga, result.data)), attempts: saga.attempts + 1 },
          };
        }
        return await turnBack(task, at, givenUp(saga.step), context);
      case "failed":
        return await turnBack(task, result.clean ? at - 1 : at, result.failure, context);
    }
  } catch (error) {
    if (signal.aborted || error instanceof Overtaken) throw error;
    if (saga.attempts + 1 < context.maxAttempts) throw error;
    context.log.warn(
      { err: error, orderId: saga.orderId, step: saga.step },
      "a step failed too often: going back",
    );
    return await turnBack(task, at, givenUp(saga.step), context);
  }
}

function givenUp(step: string): SagaFailure {
  const service = step === "reserve" ? "inventory" : "payment";
  const reason = `${service.toUpperCase()}_UNAVAILABLE`;
  return { end: "fail", reason, message: `the ${service} service did not answer in time`, lineNumbers: [] };
}

/** Begins the step at `next`, and in the same transaction those after it that run by themselves. */
async function advance(
  task: SagaTask,
  change: OrderChange,
  next: number,
  context: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const now = new Date(context.clock.now());
  const entered = (order: Order, at: number, changes: OrderChange): Order =>
    moved(order, STEPS[at]?.[1].enter ?? { kind: "paid" }, changes, now);
  let at = next;
  let order = entered(task.order, at, change);
  const versions: [Order, ...Order[]] = [order];
  while (at < STEPS.length && STEPS[at]?.[1].run === undefined) {
    at += 1;
    order = entered(order, at, {});
    versions.push(order);
  }
  return await write(task, versions, STEPS[at]?.[0], context);
}

async function turnBack(
  task: SagaTask,
  at: number,
  failure: SagaFailure,
  context: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const step = STEPS[at]?.[0];
  // Nothing to undo: the end at once.
  if (step === undefined) return await finish({ ...task, saga: { ...task.saga, failure } }, {}, context);
  return { ...task, saga: await context.store.turnBack(task.saga, step, failure) };
}

/** Undoes what was begun, the last first. Nothing is written before all is done: a repeat finds it done. */
async function goBack({ task, signal }: SagaRun, context: OrderSagaContext): Promise<SagaTask | undefined> {
  const last = STEPS.findIndex(([name]) => name === task.saga.step);
  let change: OrderChange = {};
  for (const [, step] of STEPS.slice(0, last + 1).reverse()) {
    const found = await step.undo?.(task, context.services, signal);
    change = { ...change, ...found };
  }
  return await finish(task, change, context);
}

async function finish(
  task: SagaTask,
  change: OrderChange,
  context: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const { order, saga } = task;
  const cancelled = order.status === OrderStatus.ORDER_STATUS_CANCELLING;
  const event: StatusEvent = { kind: cancelled ? "cancelled" : (saga.failure?.end ?? "fail") };
  const final: OrderChange = {
    ...change,
    paymentToken: undefined,
    ...(cancelled || saga.failure === undefined ? {} : { failure: failureOf(saga.failure) }),
    ...(change.capturedMinor === undefined || change.capturedMinor === 0n ? {} : { lines: givenBack(order) }),
  };
  const after = moved(order, event, final, new Date(context.clock.now()));
  return await write(task, [after], undefined, context);
}

function failureOf({ reason, message, lineNumbers }: SagaFailure): Order["failure"] {
  return { reason, message, lineNumbers };
}

/** All that was taken is given back, and all that was sold is in stock again. */
function givenBack({ lines }: Order): Order["lines"] {
  return lines.map((line) => ({
    ...line,
    withdrawnQuantity: line.quantity,
    refundedQuantity: line.quantity,
    refundedMinor: line.paidMinor,
  }));
}

/** `step` is what begins; undefined: the processing is over, and the customer is told. Undefined when the saga has ended with it. */
async function write(
  task: SagaTask,
  versions: readonly [Order, ...Order[]],
  step: StepName | undefined,
  { database, events, holder, notices }: OrderSagaContext,
): Promise<SagaTask | undefined> {
  const { saga, order: before } = task;
  const after = versions.at(-1) ?? before;
  const next = step ?? (notices?.concerns(after) === true ? NOTIFY : undefined);
  const move = { sagaId: saga.sagaId, holder, step: next };
  const store = async (queries: Kysely<unknown>): Promise<void> => {
    if (!(await storeOrder(queries, before, versions, move))) throw new Overtaken(before.orderId);
  };
  if (after.lines === before.lines) await store(database.queries);
  else {
    await inTransaction(database, async (transaction) => {
      await store(transaction);
      await storeLines(transaction, before, after);
    });
  }
  events.committed();
  if (next === undefined) return undefined;
  return { order: after, saga: { ...saga, step: next, attempts: 0 } };
}
