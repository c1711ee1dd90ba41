// An operation as the provider keeps it, tells it and journals it: immutable, one for each idempotency key. Amounts are minor units in
// decimal digits, since a JSON number cannot hold 64 bits.

export type OperationKind = "authorize" | "capture" | "void" | "refund";

export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: "succeeded" | "declined" | "failed";
  readonly amount: string;
  readonly currency: string;
  /** The id of the operation that authorized; its own for that one. */
  readonly authorization: string;
  readonly idempotency_key: string;
  readonly merchant_reference: string;
  readonly order_reference: string;
  /** Milliseconds since the epoch. */
  readonly created_at: number;
  /** Of a capture: whether what was then still held was let go. */
  readonly final?: boolean;
  /** When it was declined. */
  readonly decline_code?: string;
  /** When it failed. */
  readonly failure_code?: string;
  /** Of an authorization that succeeded. */
  readonly expires_at?: number;
  /** Of an authorization. */
  readonly card?: Card;
}

/** As much of a card as is shown. */
export interface Card {
  readonly brand: string;
  readonly last4: string;
  readonly exp_month: number;
  readonly exp_year: number;
}

export interface Token {
  readonly token: string;
  readonly card: Card;
  /** Milliseconds since the epoch. */
  readonly expires_at: number;
  /** Name of the behaviour in the table of test cards; the number itself is not kept. */
  readonly behavior: string;
}
