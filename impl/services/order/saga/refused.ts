// A refusal by another service as the failure of an order.
import type { CallError } from "#impl/client/call-error.ts";
import type { SagaFailure } from "./saga.ts";

/** The reason is the other service's own. */
export function refused({ reason, details }: CallError, end: SagaFailure["end"], what: string): SagaFailure {
  const { decline_code: declineCode, failure_code: failureCode } = details.errorInfo?.metadata ?? {};
  const code = declineCode ?? failureCode;
  return {
    end,
    reason: reason === "" ? "REFUSED" : reason,
    message: code === undefined ? what : `${what}: ${code}`,
    lineNumbers: [],
  };
}
