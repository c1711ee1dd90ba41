// Whether a call may be made again, by the policy of its method.
import type { Method } from "#impl/runtime/method.ts";
import { Idempotency } from "#impl/runtime/policy.ts";

/**
 * Whether a call with this request may be made again. `request` is undefined on a request stream, whose header is not known when the call
 * begins; a stream that was partly sent is not repeated in any case.
 */
export function isRepeatable(method: Method, request: unknown): boolean {
  if (method.requestStream) return false;
  switch (method.policy.idempotency) {
    case Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS:
    case Idempotency.IDEMPOTENCY_IDEMPOTENT:
      return true;
    case Idempotency.IDEMPOTENCY_BY_REQUEST_ID:
      return requestIdOf(request) !== "";
    default:
      return false;
  }
}

function requestIdOf(request: unknown): string {
  const id = (request as { readonly requestId?: unknown }).requestId;
  return typeof id === "string" ? id : "";
}
