// The errors that services throw on purpose. An error is a stable reason and its values; the message is prose for people.
// Anything else that is thrown is a defect, and the boundary answers INTERNAL without its text.
import type { ErrorDetail, FieldViolation } from "./error-details.ts";
import { Code } from "./status.ts";

export interface RpcErrorInit {
  readonly code: Code;
  /** UPPER_SNAKE_CASE, at most 63 characters, never changed once released. */
  readonly reason: string;
  /** Stable text; every value in it is also in `values`. */
  readonly message: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly details?: readonly ErrorDetail[];
  /** Trailing metadata beside the details. */
  readonly trailers?: ReadonlyArray<readonly [key: string, value: string]>;
  readonly cause?: unknown;
}

export class RpcError extends Error {
  readonly code: Code;
  readonly reason: string;
  readonly values: Readonly<Record<string, string>>;
  readonly details: readonly ErrorDetail[];
  readonly trailers: ReadonlyArray<readonly [key: string, value: string]>;

  constructor(init: RpcErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = "RpcError";
    this.code = init.code;
    this.reason = init.reason;
    this.values = init.values ?? {};
    this.details = init.details ?? [];
    this.trailers = init.trailers ?? [];
  }
}

/** The request breaks rules of its own; each violation names a field. */
export function invalidArgument(violations: readonly FieldViolation[]): RpcError {
  const [first] = violations;
  return new RpcError({
    code: Code.INVALID_ARGUMENT,
    reason: "INVALID_REQUEST",
    message:
      first === undefined
        ? "the request is not valid"
        : `${first.field === "" ? "the request" : first.field}: ${first.description}`,
    values: first === undefined ? {} : { field: first.field, rule: first.reason },
    details: [{ type: "BadRequest", violations }],
  });
}

/** The bytes of the request are no message of its type. */
export function malformedRequest(): RpcError {
  return invalidArgument([
    { field: "", description: "is not a valid protobuf message of its type", reason: "protobuf.malformed" },
  ]);
}

/** `resourceType` is the message's full name, such as "shop.v1.Widget". */
export function notFound(resourceType: string, resourceName: string): RpcError {
  return aboutResource(Code.NOT_FOUND, "NOT_FOUND", "not found", resourceType, resourceName);
}

/** `resourceName` is what is already taken: an id or the value of a unique field. */
export function alreadyExists(resourceType: string, resourceName: string): RpcError {
  return aboutResource(Code.ALREADY_EXISTS, "ALREADY_EXISTS", "already exists", resourceType, resourceName);
}

/** The caller's etag is not the resource's: read it again, and decide again. */
export function etagMismatch(resourceType: string, resourceName: string): RpcError {
  return aboutResource(
    Code.ABORTED,
    "ETAG_MISMATCH",
    "was changed by someone else",
    resourceType,
    resourceName,
  );
}

function aboutResource(
  code: Code,
  reason: string,
  what: string,
  resourceType: string,
  resourceName: string,
): RpcError {
  const kind = resourceType.slice(resourceType.lastIndexOf(".") + 1);
  return new RpcError({
    code,
    reason,
    message: `${kind} ${resourceName} ${what}`,
    values: { resource_type: resourceType, resource_name: resourceName },
    details: [{ type: "ResourceInfo", resourceType, resourceName }],
  });
}

/** The system is not in a state that allows the call, and a retry of the same call will not help. */
export function failedPrecondition(reason: string, subject: string, description: string): RpcError {
  return new RpcError({
    code: Code.FAILED_PRECONDITION,
    reason,
    message: description,
    values: { subject },
    details: [{ type: "PreconditionFailure", violations: [{ type: reason, subject, description }] }],
  });
}

/** A passing fault: the same call may be sent again, after `retryDelayMs` where it is given. */
export function unavailable(
  reason: string,
  message: string,
  retryDelayMs?: number,
  cause?: unknown,
): RpcError {
  return new RpcError({
    code: Code.UNAVAILABLE,
    reason,
    message,
    details: retryDelayMs === undefined ? [] : [{ type: "RetryInfo", delayMs: retryDelayMs }],
    cause,
  });
}

/** The caller has used up a quota: `subject` is whose, such as "user:42". The same call is let through after `retryDelayMs`. */
export function quotaExhausted(
  reason: string,
  subject: string,
  description: string,
  values: Readonly<Record<string, string>>,
  retryDelayMs: number,
): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason,
    message: description,
    values,
    details: [
      { type: "QuotaFailure", violations: [{ subject, description }] },
      { type: "RetryInfo", delayMs: retryDelayMs },
    ],
  });
}

export function unauthenticated(reason: string, message: string): RpcError {
  return new RpcError({ code: Code.UNAUTHENTICATED, reason, message });
}

export function permissionDenied(missing: readonly string[]): RpcError {
  return new RpcError({
    code: Code.PERMISSION_DENIED,
    reason: "PERMISSION_MISSING",
    message: `the caller lacks ${missing.join(", ")}`,
    values: { permissions: missing.join(",") },
  });
}

export function unimplemented(method: string): RpcError {
  return new RpcError({
    code: Code.UNIMPLEMENTED,
    reason: "METHOD_NOT_IMPLEMENTED",
    message: `${method} is not implemented`,
    values: { method },
  });
}
