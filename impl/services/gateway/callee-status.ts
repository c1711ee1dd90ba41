// How the failure of a service that was asked is told to whoever asked the gateway: what the service said for callers as it said it, and
// nothing of how it was reached.
import { CallError } from "#impl/client/call-error.ts";
import { ForwardedStatus } from "#impl/runtime/forwarded-status.ts";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code, codeName, DETAILS_KEY } from "#impl/runtime/status.ts";
import { Status } from "#proto/google/rpc/status.ts";

/** Told by whoever is on the way as well as by the service: their words may name addresses. */
const OF_THE_WAY: ReadonlySet<Code> = new Set([Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED]);

/** What the service said; a code and no more where it may have been the way to it that failed. */
export function statusOf({ code, trailers }: CallError): Status {
  const [serialized] = trailers.get(DETAILS_KEY);
  if (serialized instanceof Buffer && !OF_THE_WAY.has(code)) return Status.decode(serialized);
  return { code, message: `the service answered ${codeName(code)}`, details: [] };
}

/** What to throw for a failed call: a status with one of these codes is the caller's, anything else passes. */
export function toCaller(error: unknown, codes: ReadonlySet<Code>): unknown {
  if (!(error instanceof CallError)) return error;
  if (codes.has(error.code)) {
    const { message, details } = statusOf(error);
    return new ForwardedStatus({ code: error.code, message, details, trailers: [], cause: error });
  }
  return serviceUnavailable(error);
}

const RETRY_DELAY_MS = 500;

export function serviceUnavailable(cause: unknown): Error {
  return unavailable(
    "SERVICE_UNAVAILABLE",
    "a service that is needed does not answer",
    RETRY_DELAY_MS,
    cause,
  );
}

/** Codes that a missing part may have. */
const OF_A_PART: ReadonlySet<Code> = new Set([
  Code.DEADLINE_EXCEEDED,
  Code.UNAVAILABLE,
  Code.NOT_FOUND,
  Code.PERMISSION_DENIED,
]);

/** Why a part is missing. Rethrows what is no failure of a call. */
export function partStatus(error: unknown): Status {
  if (!(error instanceof CallError)) throw error;
  const status = statusOf(error);
  if (OF_A_PART.has(error.code)) return status;
  return { code: Code.UNAVAILABLE, message: "the service could not answer", details: [] };
}
