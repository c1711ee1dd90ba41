// Statuses between the pipeline and grpc-js: what it sends for ours, and the errors of calls that break its protocol.
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { asBuffer } from "./grpc-js-frame.ts";
import type { Method } from "./method.ts";
import { RpcError } from "./rpc-error.ts";
import { Code, DETAILS_KEY, encodeDetails, type Status } from "./status.ts";

/** A type of grpc-js that it does not export by name. */
export type PartialStatusObject = Parameters<ServerInterceptingCallInterface["sendStatus"]>[0];

export function wrongCount(method: Method, count: string): RpcError {
  return new RpcError({
    code: Code.INVALID_ARGUMENT,
    reason: "REQUEST_COUNT",
    message: `${method.path} takes one request message, got ${count}`,
    values: { method: method.path, count },
  });
}

export function truncated(): RpcError {
  return new RpcError({
    code: Code.INVALID_ARGUMENT,
    reason: "TRUNCATED_MESSAGE",
    message: "the request ends in the middle of a message",
  });
}

export function tooLarge(what: string): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "MESSAGE_TOO_LARGE",
    message: `a message is over the limit of its size: ${what}`,
  });
}

export function readerTooSlow(): RpcError {
  return new RpcError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: "READER_TOO_SLOW",
    message: "the caller does not read what it is sent",
  });
}

export function refusedByTransport({ code = Code.INTERNAL, details = "" }: PartialStatusObject): RpcError {
  return new RpcError({ code: code as number as Code, reason: "PROTOCOL_VIOLATION", message: details ?? "" });
}

export const SUCCESS: PartialStatusObject = { code: 0, details: "", metadata: null };

export function toGrpcJsStatus(status: Status): PartialStatusObject {
  const metadata = new Metadata();
  for (const [key, value] of status.trailers) metadata.add(key, value);
  const details = encodeDetails(status);
  if (details !== undefined) metadata.set(DETAILS_KEY, asBuffer(details));
  // A lone surrogate cannot be percent-encoded: grpc-js would throw.
  return { code: status.code, details: status.message.toWellFormed(), metadata };
}
