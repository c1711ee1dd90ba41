// What a step of an order's processing is: what it does, and what undoes it. A step that was begun may have had its effect, half of it
// or none, and `undo` is right for all three; both may be run any number of times.
import type { ClientOf } from "#impl/client/client.ts";
import type { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import type { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import type { OrderChange } from "../order-change.ts";
import type { StatusEvent } from "../order-status.ts";
import type { SagaFailure, SagaTask } from "./saga.ts";

export interface StepServices {
  readonly inventory: Pick<
    ClientOf<InventoryServiceDefinition>,
    "reserveStock" | "getReservation" | "commitReservation" | "releaseReservation" | "adjustStock"
  >;
  readonly payments: Pick<
    ClientOf<PaymentServiceDefinition>,
    "authorizePayment" | "capturePayment" | "voidPayment" | "refundPayment" | "getPayment"
  >;
  /** How long stock is promised to an order in process. */
  readonly reservationTtlMs: number;
}

export interface OrderStep {
  /** Leads into the state in which the step runs. */
  readonly enter: StatusEvent;
  /**
   * Throws NotYet while the outcome is not known, and whatever else goes wrong and may go right when it is run again. Undefined: to
   * be in the state is all there is to it.
   */
  readonly run?: (task: SagaTask, services: StepServices, signal: AbortSignal) => Promise<StepResult>;
  /** Throws as `run` does. What it found out about the order. */
  readonly undo?: (task: SagaTask, services: StepServices, signal: AbortSignal) => Promise<OrderChange>;
}

export type StepResult =
  | { readonly kind: "done"; readonly change: OrderChange }
  /** `clean`: nothing of this step is left to undo. */
  | { readonly kind: "failed"; readonly failure: SagaFailure; readonly clean: boolean }
  /** To be run again with this kept for it, which counts as an attempt. */
  | { readonly kind: "again"; readonly data: unknown };
