// How far a payment has come, as a state machine: pure, and the only place that knows what may follow what. Invariant of every status that
// it gives: refunded <= captured <= authorized.
import { PaymentState } from "#proto/ecommerce/v1/payment.ts";

export { PaymentState };

/** What is authorized and not captured: held, or let go because all was captured, by a void, or by time. */
export type Hold = "open" | "captured" | "voided" | "expired";

/** Amounts are minor units of the payment's currency. */
export type PaymentStatus =
  | { readonly kind: "pending" }
  | { readonly kind: "declined" }
  | { readonly kind: "failed" }
  | {
      readonly kind: "authorized";
      readonly captured: bigint;
      readonly refunded: bigint;
      readonly hold: Hold;
    };

/** What is known to have happened at the provider. */
export type PaymentEvent =
  | { readonly kind: "authorized" }
  | { readonly kind: "declined" }
  | { readonly kind: "failed" }
  | { readonly kind: "captured"; readonly amount: bigint; readonly final: boolean }
  | { readonly kind: "voided" }
  | { readonly kind: "refunded"; readonly amount: bigint }
  | { readonly kind: "expired" };

export const PENDING: PaymentStatus = { kind: "pending" };

/** The status after the event; undefined when it cannot have happened to a payment that is so far. `authorized` is the payment's amount. */
export function transition(
  status: PaymentStatus,
  event: PaymentEvent,
  authorized: bigint,
): PaymentStatus | undefined {
  switch (event.kind) {
    case "authorized":
      if (status.kind !== "pending") return undefined;
      return { kind: "authorized", captured: 0n, refunded: 0n, hold: "open" };
    case "declined":
    case "failed":
      return status.kind === "pending" ? { kind: event.kind } : undefined;
    case "captured": {
      if (status.kind !== "authorized" || status.hold !== "open" || event.amount <= 0n) return undefined;
      const captured = status.captured + event.amount;
      if (captured > authorized) return undefined;
      return { ...status, captured, hold: event.final || captured === authorized ? "captured" : "open" };
    }
    case "voided":
    case "expired":
      if (status.kind !== "authorized" || status.hold !== "open") return undefined;
      return { ...status, hold: event.kind };
    case "refunded": {
      if (status.kind !== "authorized" || event.amount <= 0n) return undefined;
      const refunded = status.refunded + event.amount;
      return refunded > status.captured ? undefined : { ...status, refunded };
    }
  }
}

/** The status as callers see it. */
export function stateOf(status: PaymentStatus): PaymentState {
  switch (status.kind) {
    case "pending":
      return PaymentState.PAYMENT_STATE_PENDING;
    case "declined":
      return PaymentState.PAYMENT_STATE_DECLINED;
    case "failed":
      return PaymentState.PAYMENT_STATE_FAILED;
    case "authorized":
      return stateOfMoney(status);
  }
}

function stateOfMoney({ captured, refunded, hold }: PaymentStatus & { kind: "authorized" }): PaymentState {
  if (captured === 0n) {
    if (hold === "open") return PaymentState.PAYMENT_STATE_AUTHORIZED;
    return hold === "expired" ? PaymentState.PAYMENT_STATE_EXPIRED : PaymentState.PAYMENT_STATE_VOIDED;
  }
  // What is still held can be captured: such a payment is not at its end, even with all given back that was taken.
  if (refunded === captured && hold !== "open") return PaymentState.PAYMENT_STATE_REFUNDED;
  if (refunded > 0n) return PaymentState.PAYMENT_STATE_PARTIALLY_REFUNDED;
  return hold === "open"
    ? PaymentState.PAYMENT_STATE_PARTIALLY_CAPTURED
    : PaymentState.PAYMENT_STATE_CAPTURED;
}
