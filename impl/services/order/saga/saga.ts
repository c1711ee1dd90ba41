// A saga: work on an order that others have a part in, and that must be brought to its end whatever happens. Its row names the step
// that was begun last; who works at it holds a lease. Its compensations are the steps' own, due for every step that was begun.
import type { Failure, Order } from "../order.ts";
import type { StatusEvent } from "../order-status.ts";

/** "order": its processing; "refund" and "return": what RefundOrder and ReceiveReturn began; "notice": to tell the customer. */
export type SagaKind = "order" | "refund" | "return" | "notice";

export interface Saga {
  /** For the processing of an order its own id. */
  readonly sagaId: string;
  readonly orderId: string;
  readonly kind: SagaKind;
  /** Empty: no step was begun. */
  readonly step: string;
  /** Whether it goes back. */
  readonly undoing: boolean;
  /** Why it goes back; undefined while it does not, and when it was cancelled. */
  readonly failure: SagaFailure | undefined;
  /** What this kind of saga keeps for its steps. */
  readonly data: unknown;
  /** Failures of the present step, or of going back, in a row. */
  readonly attempts: number;
}

export interface SagaFailure extends Failure {
  /** The state that the order ends in. */
  readonly end: Extract<StatusEvent["kind"], "out_of_stock" | "payment_failed" | "fail">;
}

/** A saga in the hands of this process, with the order as it stands. */
export interface SagaTask {
  readonly saga: Saga;
  readonly order: Order;
}

/** A saga at work, and where it stands now: kept up to date by what runs it, for whoever must let go of it. */
export interface SagaRun {
  task: SagaTask;
  readonly signal: AbortSignal;
}

/** The outcome is not known yet, which is nobody's failure: the step is run again later. */
export class NotYet extends Error {
  constructor(what: string) {
    super(what);
    this.name = "NotYet";
  }
}

/** The order or its saga was changed by someone else since it was read: read both again, and decide again. */
export class Overtaken extends Error {
  constructor(orderId: string) {
    super(`order ${orderId} or its saga was changed meanwhile`);
    this.name = "Overtaken";
  }
}

/** The saga is in other hands, or at its end: whoever works at it stops. */
export class LeaseLost extends Error {
  constructor(sagaId: string) {
    super(`saga ${sagaId} is in other hands or at its end`);
    this.name = "LeaseLost";
  }
}
