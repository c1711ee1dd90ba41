// What is wrong with a request before it is a call, or with its form: each an error with the HTTP status that says it best.
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";

export interface HttpError {
  readonly status: number;
  readonly error: RpcError;
  readonly headers?: Readonly<Record<string, string>>;
}

function httpError(
  status: number,
  code: Code,
  reason: string,
  message: string,
  values: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): HttpError {
  return { status, error: new RpcError({ code, reason, message, values }), headers };
}

export function pathNotFound(path: string): HttpError {
  return httpError(404, Code.NOT_FOUND, "PATH_NOT_FOUND", "no method of the API has this path", { path });
}

export function pathMalformed(): HttpError {
  return httpError(400, Code.INVALID_ARGUMENT, "PATH_MALFORMED", "the path is not percent-encoded UTF-8");
}

export function methodNotAllowed(method: string, allow: readonly string[]): HttpError {
  const allowed = allow.join(", ");
  return httpError(
    405,
    Code.UNIMPLEMENTED,
    "HTTP_METHOD_NOT_ALLOWED",
    `${method} is not a method of this path: ${allowed}`,
    { method, allowed },
    { allow: allowed },
  );
}

export function contentTypeNotJson(contentType: string): HttpError {
  return httpError(
    415,
    Code.INVALID_ARGUMENT,
    "CONTENT_TYPE_NOT_JSON",
    `the body is "${contentType}", not application/json`,
    { content_type: contentType },
  );
}

export function bodyNotTaken(): HttpError {
  return httpError(400, Code.INVALID_ARGUMENT, "BODY_NOT_TAKEN", "this path takes no body");
}

export function bodyTooLarge(maxBytes: number): HttpError {
  return httpError(
    413,
    Code.RESOURCE_EXHAUSTED,
    "MESSAGE_TOO_LARGE",
    `the body is longer than ${maxBytes} bytes`,
    { max_bytes: String(maxBytes) },
    // What is still to come is not read.
    { connection: "close" },
  );
}

export function timeoutMalformed(timeout: string): HttpError {
  return httpError(
    400,
    Code.INVALID_ARGUMENT,
    "TIMEOUT_MALFORMED",
    `"${timeout}" is not a timeout such as 500m (milliseconds) or 2S`,
    { timeout },
  );
}
