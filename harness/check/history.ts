// What clients saw. An operation ends ok, fail or unknown: a write whose answer was lost may or may not have had its effect.

export type Outcome = "ok" | "fail" | "unknown";

export interface OrderAttempt {
  readonly requestId: string;
  readonly outcome: Outcome;
  /** Of an ok one: what the system called it. */
  readonly orderId: string | undefined;
  /** Units by product id, as they were asked for. */
  readonly units: ReadonlyMap<string, bigint>;
}

/** A request to undo an order. */
export interface EffectAttempt {
  /** cancel: all of it; refund: one unit of its first line, which goes back into stock. */
  readonly kind: "cancel" | "refund";
  readonly requestId: string;
  readonly orderId: string;
  readonly outcome: Outcome;
}
