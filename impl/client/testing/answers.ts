// What tests read from the answers of calls.
import { CallError } from "../call-error.ts";

/** What an answer must have. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the answer lacks what it must have");
  return value;
}

/** The failure of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CallError) return error;
  throw new Error("the call did not fail", { cause: error });
}

/** "type subject: description" of each violated precondition. */
export function refusals(error: CallError): string[] {
  const violations = error.details.preconditionFailure?.violations ?? [];
  return violations.map(({ type, subject, description }) => `${type} ${subject}: ${description}`);
}

/** "field: rule" of each violation. */
export function violations(error: CallError): string[] {
  return (error.details.badRequest?.fieldViolations ?? []).map(({ field, reason }) => `${field}: ${reason}`);
}
