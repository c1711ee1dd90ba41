// What a script sees of an answer.

import type { MetadataEntry } from "#wire/metadata.ts";
import type { GrpcMethod } from "./descriptors.ts";
import { decodeDetails } from "./messages.ts";

export interface GrpcError {
  readonly code: number;
  readonly message: string;
  readonly details: unknown[];
}

const DETAILS = "grpc-status-details-bin";

export function grpcError(
  method: GrpcMethod,
  status: number,
  message: string | undefined,
  trailers: readonly MetadataEntry[],
): GrpcError {
  const [, serialized] = trailers.find(([name]) => name === DETAILS) ?? [];
  const details = serialized instanceof Uint8Array ? decodeDetails(method, serialized) : [];
  return { code: status, message: message ?? "", details };
}

/** A list of values by name, without what is gRPC's own. */
export function metadataLists(entries: readonly MetadataEntry[]): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  for (const [name, value] of entries) {
    if (name === "grpc-status" || name === "grpc-message") continue;
    lists[name] ??= [];
    lists[name].push(typeof value === "string" ? value : Buffer.from(value).toString("latin1"));
  }
  return lists;
}
