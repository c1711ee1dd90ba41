// Whether a payment allows what is asked of it, and for how much. Pure. What a pending transaction may have taken counts as taken, and what
// lets go of the hold waits until nothing else is under way on it: so no order of the answers can take more than there is.

import { type Payment, pendingAmounts } from "./payment.ts";
import {
  amountTooLarge,
  authorizationExpired,
  nothingHeld,
  nothingToRefund,
  paymentPending,
  transactionPending,
} from "./payment-errors.ts";
import type { PaymentStatus } from "./payment-status.ts";

/** Undefined asks for all that is held. Returns minor units. Throws FAILED_PRECONDITION. */
export function captureAmount(
  payment: Payment,
  asked: bigint | undefined,
  final: boolean,
  now: Date,
): bigint {
  const { captured } = requireOpen(payment, now);
  const pending = pendingAmounts(payment);
  if (pending.closing || (final && pending.capture > 0n)) throw transactionPending(payment);
  const available = payment.amount.minorUnits - captured - pending.capture;
  const amount = asked ?? available;
  if (available === 0n) throw transactionPending(payment);
  if (amount > available) throw amountTooLarge(payment, amount, available);
  return amount;
}

/** Undefined when there is nothing to do, since it was voided before. */
export function voidAmount(payment: Payment, now: Date): bigint | undefined {
  const { status } = payment;
  if (status.kind === "authorized" && status.hold === "voided") return undefined;
  const { captured } = requireOpen(payment, now);
  const pending = pendingAmounts(payment);
  if (pending.closing || pending.capture > 0n) throw transactionPending(payment);
  return payment.amount.minorUnits - captured;
}

/** Undefined asks for all that was captured and not given back. */
export function refundAmount(payment: Payment, asked: bigint | undefined): bigint {
  const { captured, refunded } = requireAuthorized(payment);
  const available = captured - refunded - pendingAmounts(payment).refund;
  if (available === 0n) throw nothingToRefund(payment);
  const amount = asked ?? available;
  if (amount > available) throw amountTooLarge(payment, amount, available);
  return amount;
}

type Authorized = PaymentStatus & { readonly kind: "authorized" };

function requireAuthorized(payment: Payment): Authorized {
  const { status } = payment;
  switch (status.kind) {
    case "authorized":
      return status;
    case "pending":
      throw paymentPending(payment);
    case "declined":
    case "failed":
      throw nothingHeld(payment);
  }
}

function requireOpen(payment: Payment, now: Date): Authorized {
  const status = requireAuthorized(payment);
  if (status.hold === "expired") throw authorizationExpired(payment);
  if (status.hold !== "open") throw nothingHeld(payment);
  // The provider has the last word, but need not be asked what its own answer said.
  if (payment.expireTime !== undefined && payment.expireTime <= now) throw authorizationExpired(payment);
  return status;
}
