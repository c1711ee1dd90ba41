/** When a response breaks gRPC's or HTTP/2's rules, and how its call ends then. */
import type { CallFailure } from "./call-failure.ts";
import { ErrorCode } from "./frames.ts";
import { GrpcStatus, statusOfHttp, statusOfReset } from "./grpc-status.ts";
import type { ResponseHead } from "./response-head.ts";

export interface FaultyEnd {
  readonly failure: CallFailure;
  readonly grpcStatus: number;
  readonly grpcMessage: string;
}

/** Judges a header block by the one before it. `skip`: informational (1xx); undefined: nothing wrong. */
export function judgeHead(
  head: ResponseHead,
  earlier: ResponseHead | undefined,
  endStream: boolean,
): FaultyEnd | "skip" | undefined {
  if (head.malformed !== undefined) return malformed(head.malformed);
  if (earlier !== undefined) {
    if (head.httpStatus !== 0) return malformed("a second response");
    return endStream ? undefined : malformed("trailers that do not end the stream");
  }
  if (head.httpStatus === 0) return malformed("no :status");
  if (head.httpStatus < 200) return endStream ? malformed("1xx that ends the stream") : "skip";
  if (head.httpStatus === 200 && head.isGrpc) return undefined;
  return {
    failure: "not-grpc",
    grpcStatus: head.grpcStatus > 0 ? head.grpcStatus : statusOfHttp(head.httpStatus),
    grpcMessage: head.grpcMessage ?? `HTTP status ${head.httpStatus}, not gRPC`,
  };
}

/** `ours`: we reset the stream, for breaking the protocol. */
export function endByReset(code: number, ours: boolean): FaultyEnd {
  if (ours) return malformed("stream broke the protocol");
  return {
    failure: code === ErrorCode.REFUSED_STREAM ? "not-processed" : "reset",
    grpcStatus: statusOfReset(code),
    grpcMessage: `stream reset with code ${code}`,
  };
}

function malformed(grpcMessage: string): FaultyEnd {
  return { failure: "malformed-response", grpcStatus: GrpcStatus.INTERNAL, grpcMessage };
}
