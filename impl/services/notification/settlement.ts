// What an attempt's outcome means for the notification: done, another attempt later, or a dead letter. Pure.
import type { RetryPolicy } from "./backoff.ts";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import type { Settlement } from "./delivery-queue.ts";

/** A receiver that asks to be left alone for longer is asked again then. */
export const MAX_RETRY_AFTER_MS = 86_400_000;

/** `attempts` counts the one that had this outcome. */
export function settlementOf(
  outcome: DeliveryOutcome,
  attempts: number,
  retry: RetryPolicy,
  now: number,
): Settlement {
  switch (outcome.kind) {
    case "delivered":
      return { kind: "delivered" };
    case "unsendable":
      return { kind: "dead", error: outcome.error, endpointFailed: false, gone: false };
    case "refused":
      return { kind: "dead", error: outcome.error, endpointFailed: true, gone: outcome.gone === true };
    case "failed": {
      const { error, retryAfterMs = 0 } = outcome;
      if (attempts >= retry.maxAttempts) return { kind: "dead", error, endpointFailed: true, gone: false };
      const delayMs = Math.max(retry.delayMs(attempts), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
      return { kind: "retry", at: new Date(now + Math.ceil(delayMs)), error, endpointFailed: true };
    }
  }
}
