// How a call ended when it did not end well, as the harness must know it: whether its effect is known.

import { Code } from "#proto/google/rpc/code.ts";
import { ErrorInfo } from "#proto/google/rpc/error_details.ts";
import { Status } from "#proto/google/rpc/status.ts";
import type { CallFailure } from "#wire/call-failure.ts";
import type { MetadataEntry } from "#wire/metadata.ts";

export interface RpcFailureInit {
  readonly method: string;
  readonly grpcStatus: number;
  readonly grpcMessage: string | undefined;
  /** Set when the server gave no status of its own. */
  readonly failure: CallFailure | undefined;
  readonly trailers: readonly MetadataEntry[];
}

/** After one of these a write may or may not have had its effect: the answer was lost, or the server did not know it either. */
const UNKNOWN_OUTCOMES: ReadonlySet<number> = new Set([
  Code.CANCELLED,
  Code.UNKNOWN,
  Code.DEADLINE_EXCEEDED,
  Code.UNAVAILABLE,
  Code.INTERNAL,
]);

export class RpcFailure extends Error {
  readonly method: string;
  readonly grpcStatus: number;
  readonly failure: CallFailure | undefined;
  readonly trailers: readonly MetadataEntry[];
  /** ErrorInfo.reason; undefined when the status carries none. */
  readonly reason: string | undefined;

  constructor({ method, grpcStatus, grpcMessage, failure, trailers }: RpcFailureInit) {
    super(`${method} failed with status ${grpcStatus}: ${grpcMessage ?? failure ?? "no message"}`);
    this.name = "RpcFailure";
    this.method = method;
    this.grpcStatus = grpcStatus;
    this.failure = failure;
    this.trailers = trailers;
    this.reason = reasonOf(trailers);
  }

  /** A write that ended so is neither done nor not done, as far as its caller knows. */
  get outcomeUnknown(): boolean {
    return this.failure !== "not-processed" && UNKNOWN_OUTCOMES.has(this.grpcStatus);
  }
}

const DETAILS = "grpc-status-details-bin";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";

function reasonOf(trailers: readonly MetadataEntry[]): string | undefined {
  const [, value] = trailers.find(([key]) => key === DETAILS) ?? [];
  if (!(value instanceof Uint8Array)) return undefined;
  const info = Status.decode(value).details.find(({ typeUrl }) => typeUrl === ERROR_INFO);
  return info === undefined ? undefined : ErrorInfo.decode(info.value).reason;
}
