// What clients saw. An operation ends ok, fail or unknown: a write whose answer was lost may or may not have had its effect.

export interface OrderAttempt {
  readonly requestId: string;
  readonly outcome: "ok" | "fail" | "unknown";
  /** Of an ok one: what the system called it. */
  readonly orderId: string | undefined;
  /** Units by product id, as they were asked for. */
  readonly units: ReadonlyMap<string, bigint>;
}
