/** How a connection ends badly. Code is an HTTP/2 error code; `by` says who is to blame. */

import { ErrorCode, errorCodeName } from "./frames.ts";
import { HpackError } from "./hpack/hpack-error.ts";

/**
 * - `peer-violated`: the peer broke the protocol or a limit of ours; `code` is what we sent in GOAWAY.
 * - `internal`: a defect of this library's; `cause` is what was thrown.
 * - `peer-refused`: the peer sent GOAWAY with an error; `code` is the peer's.
 * - `socket`: the transport failed or closed under open calls; `code` is NO_ERROR, `cause` the socket's error.
 */
export type ConnectionFault = "peer-violated" | "internal" | "peer-refused" | "socket";

export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly fault: ConnectionFault;
  readonly code: number;

  constructor(fault: ConnectionFault, code: number, message: string, cause?: unknown) {
    super(`${message} (${errorCodeName(code)})`, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.code = code;
  }
}

/** The peer broke the protocol: to be thrown while handling a frame, ends the connection with GOAWAY. */
export function violation(code: number, message: string): ConnectionError {
  return new ConnectionError("peer-violated", code, message);
}

/** Whatever handling a frame threw, as the error that ends the connection. */
export function asConnectionError(thrown: unknown): ConnectionError {
  if (thrown instanceof ConnectionError) return thrown;
  if (thrown instanceof HpackError) {
    const code =
      thrown.fault === "list-too-large" ? ErrorCode.ENHANCE_YOUR_CALM : ErrorCode.COMPRESSION_ERROR;
    return new ConnectionError("peer-violated", code, thrown.message, thrown);
  }
  return new ConnectionError("internal", ErrorCode.INTERNAL_ERROR, String(thrown), thrown);
}
