// How one attempt to deliver a notification ended, in words of our own: what a peer said may hold addresses.

export type DeliveryOutcome =
  | { readonly kind: "delivered" }
  /** Worth another attempt, not before `retryAfterMs` where the receiver asked for it. */
  | { readonly kind: "failed"; readonly error: string; readonly retryAfterMs?: number }
  /** Would fail again in the same way. `gone` says that the receiver wants nothing ever again. */
  | { readonly kind: "refused"; readonly error: string; readonly gone?: boolean }
  /** Refused by ourselves: nothing was sent. */
  | { readonly kind: "unsendable"; readonly error: string };

export const DELIVERED: DeliveryOutcome = { kind: "delivered" };
