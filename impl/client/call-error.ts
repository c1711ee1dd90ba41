// How a call failed, as its caller sees it: the status and its typed details.
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { type Code, codeName, DETAILS_KEY } from "#impl/runtime/status.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import {
  BadRequest,
  ErrorInfo,
  PreconditionFailure,
  QuotaFailure,
  ResourceInfo,
  RetryInfo,
} from "#proto/google/rpc/error_details.ts";
import { Status as StatusMessage } from "#proto/google/rpc/status.ts";

export interface CallErrorDetails {
  readonly errorInfo?: ErrorInfo;
  readonly badRequest?: BadRequest;
  readonly retryInfo?: RetryInfo;
  readonly quotaFailure?: QuotaFailure;
  readonly preconditionFailure?: PreconditionFailure;
  readonly resourceInfo?: ResourceInfo;
  readonly resumeExpired?: ResumeExpired;
}

export class CallError extends Error {
  readonly code: Code;
  /** ErrorInfo.reason; empty when the callee sent none. */
  readonly reason: string;
  readonly details: CallErrorDetails;
  readonly trailers: Metadata;

  constructor(path: string, error: ServiceError) {
    super(`${path}: ${codeName(error.code)}: ${error.details}`, { cause: error });
    this.name = "CallError";
    this.code = error.code as number as Code;
    this.trailers = error.metadata ?? new Metadata();
    this.details = decodeDetails(this.trailers);
    this.reason = this.details.errorInfo?.reason ?? "";
  }
}

const DECODERS = new Map<string, (bytes: Uint8Array) => CallErrorDetails>([
  ["google.rpc.ErrorInfo", (bytes) => ({ errorInfo: ErrorInfo.decode(bytes) })],
  ["google.rpc.BadRequest", (bytes) => ({ badRequest: BadRequest.decode(bytes) })],
  ["google.rpc.RetryInfo", (bytes) => ({ retryInfo: RetryInfo.decode(bytes) })],
  ["google.rpc.QuotaFailure", (bytes) => ({ quotaFailure: QuotaFailure.decode(bytes) })],
  ["google.rpc.PreconditionFailure", (bytes) => ({ preconditionFailure: PreconditionFailure.decode(bytes) })],
  ["google.rpc.ResourceInfo", (bytes) => ({ resourceInfo: ResourceInfo.decode(bytes) })],
  ["ecommerce.v1.ResumeExpired", (bytes) => ({ resumeExpired: ResumeExpired.decode(bytes) })],
]);

const TYPE_PREFIX = "type.googleapis.com/";

/** Details that do not decode are none: what a callee sends wrongly must not hide its status. */
function decodeDetails(trailers: Metadata): CallErrorDetails {
  const [serialized] = trailers.get(DETAILS_KEY);
  if (!(serialized instanceof Buffer)) return {};
  try {
    const decoded = StatusMessage.decode(serialized).details.map(({ typeUrl, value }) =>
      typeUrl.startsWith(TYPE_PREFIX) ? DECODERS.get(typeUrl.slice(TYPE_PREFIX.length))?.(value) : undefined,
    );
    return Object.assign({}, ...decoded);
  } catch {
    return {};
  }
}
