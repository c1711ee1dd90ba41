// What the failure of a call to another service means for a step: that its outcome is not known and the same request may be sent
// again, or that it was refused and will be again.
import { CallError } from "#impl/client/call-error.ts";
import { Code } from "#impl/runtime/status.ts";

const REFUSALS: ReadonlySet<Code> = new Set([
  Code.INVALID_ARGUMENT,
  Code.NOT_FOUND,
  Code.ALREADY_EXISTS,
  Code.FAILED_PRECONDITION,
  Code.OUT_OF_RANGE,
]);

/** Reasons of a FAILED_PRECONDITION that passes by itself. */
const PASSING: ReadonlySet<string> = new Set(["PAYMENT_PENDING", "TRANSACTION_PENDING"]);

/** The refusal, or undefined for whatever else went wrong. */
export function refusalOf(error: unknown): CallError | undefined {
  if (!(error instanceof CallError) || !REFUSALS.has(error.code) || PASSING.has(error.reason))
    return undefined;
  return error;
}

/** The result, or the refusal in its place. What is neither is thrown. */
export async function orRefusal<T>(call: Promise<T>): Promise<T | CallError> {
  try {
    return await call;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}
