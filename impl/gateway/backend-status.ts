// How a call to a backend ended, as the end of the call that is forwarded: a status that the backend sent goes on as it is, a failure
// on the way to it becomes the gateway's own.
import { ForwardedStatus } from "#impl/runtime/forwarded-status.ts";
import { RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { Code, DETAILS_KEY, type Status } from "#impl/runtime/status.ts";
import { Status as StatusMessage } from "#proto/google/rpc/status.ts";
import { decodeMetadata } from "#wire/metadata.ts";
import type { StreamOutcome } from "#wire/streaming-call.ts";

type Outcome = Pick<StreamOutcome, "grpcStatus" | "grpcMessage" | "failure" | "trailers">;

/** How often a call that a backend surely has not seen is sent again. */
export const MAX_ATTEMPTS = 3;

/** True when no application has seen the call: it may be sent again, whatever its method does. */
export function neverSeen(outcome: Outcome): boolean {
  return outcome.failure === "not-processed";
}

/** What a call that did not end with OK throws. */
export function backendError(path: string, outcome: Outcome): Error {
  const { failure, grpcStatus, grpcMessage = "" } = outcome;
  switch (failure) {
    case undefined:
      return new ForwardedStatus(statusOf(outcome));
    case "not-processed":
    case "connection-lost":
    case "closed":
    case "cancelled":
      return backendUnavailable(path, grpcMessage);
    case "reset":
      // Who calls the gateway has not cancelled: a backend that did so has gone.
      if (grpcStatus === Code.CANCELLED) return backendUnavailable(path, grpcMessage);
      return broken(path, grpcStatus, grpcMessage);
    case "queue-full":
    case "message-too-large":
    case "malformed-response":
    case "not-grpc":
      return broken(path, grpcStatus, grpcMessage);
  }
}

/** `cause` is for the log. */
export function backendUnavailable(what: string, cause: unknown): RpcError {
  return unavailable("BACKEND_UNAVAILABLE", `${what}: no backend can be reached`, undefined, cause);
}

/** A backend that does not keep to its method's kind. */
export function wrongAnswer(path: string, detail: string): RpcError {
  return broken(path, Code.INTERNAL, detail);
}

function broken(path: string, code: number, detail: string): RpcError {
  return new RpcError({
    code: code as Code,
    reason: "BACKEND_FAILED",
    message: `${path}: the backend gave no valid answer`,
    values: { method: path },
    cause: detail,
  });
}

/** Trailers that are gRPC's own, and so said by the status. */
const OWN_TRAILERS = new Set(["grpc-status", "grpc-message", DETAILS_KEY, "content-type", "date"]);

function statusOf({ grpcStatus, grpcMessage = "", trailers }: Outcome): Status {
  let details: Status["details"] = [];
  const passed: [string, string][] = [];
  for (const [key, value] of decodeMetadata(trailers)) {
    if (key === DETAILS_KEY && typeof value !== "string") details = decodeDetails(value);
    else if (!OWN_TRAILERS.has(key) && typeof value === "string") passed.push([key, value]);
  }
  return { code: grpcStatus as Code, message: grpcMessage, details, trailers: passed };
}

/** Details that do not decode are none: they must not hide the status. */
function decodeDetails(serialized: Uint8Array): Status["details"] {
  try {
    return StatusMessage.decode(serialized).details;
  } catch {
    return [];
  }
}
