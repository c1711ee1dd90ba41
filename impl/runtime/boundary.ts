// The one exit for errors: whatever a handler or a link throws becomes a Status here and nowhere else. Total: it never throws itself.
// Invariant: text that nobody wrote for callers never leaves the process.
import { cut, encodeErrorDetail, encodeErrorInfo } from "./error-details.ts";
import { ForwardedStatus } from "./forwarded-status.ts";
import { RpcError } from "./rpc-error.ts";
import { Code, type Status } from "./status.ts";

/** Turns a lower layer's error into an RpcError, or leaves it to the next translator. */
export type ErrorTranslator = (error: unknown) => RpcError | undefined;

export type ErrorBoundary = (error: unknown) => Status;

export interface ErrorBoundaryOptions {
  /** ErrorInfo.domain: who defines the reasons, such as "shop.example.com". */
  readonly domain: string;
  readonly translators?: readonly ErrorTranslator[];
}

/** Longer messages are cut: a status travels in headers, which peers limit to as little as 8 KiB in all. */
const MAX_MESSAGE_CHARS = 500;

export function createErrorBoundary(options: ErrorBoundaryOptions): ErrorBoundary {
  const translators = options.translators ?? [];
  const toStatus: ErrorBoundary = (error) => {
    if (error instanceof RpcError) return rpcErrorToStatus(error, options.domain);
    if (error instanceof ForwardedStatus) return error.status;
    for (const translate of translators) {
      const translated = translate(error);
      if (translated !== undefined) return rpcErrorToStatus(translated, options.domain, error);
    }
    return internal(options.domain, error);
  };
  return (error) => {
    try {
      return toStatus(error);
    } catch (failure) {
      return internal(
        options.domain,
        new AggregateError([error, failure], "an error could not be translated"),
      );
    }
  };
}

function rpcErrorToStatus(error: RpcError, domain: string, cause: unknown = error.cause): Status {
  const pushback = error.details.find((detail) => detail.type === "RetryInfo");
  return {
    code: error.code,
    message: cut(error.message, MAX_MESSAGE_CHARS),
    details: [
      encodeErrorInfo(error.reason, domain, error.values),
      ...error.details.map((detail) => encodeErrorDetail(detail)),
    ],
    trailers:
      pushback === undefined
        ? error.trailers
        : [...error.trailers, ["grpc-retry-pushback-ms", String(Math.ceil(pushback.delayMs))]],
    ...(cause === undefined ? {} : { cause }),
  };
}

function internal(domain: string, cause: unknown): Status {
  return {
    code: Code.INTERNAL,
    message: "internal error",
    details: [encodeErrorInfo("INTERNAL", domain, {})],
    trailers: [],
    cause,
  };
}
