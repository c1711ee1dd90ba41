// Messages between a script and the wire, in protobuf's JSON as k6 has it: 64-bit numbers as text, enums by name, bytes in base64,
// defaults present. A message that is not set is absent here and null in k6: scripts read it by `?.`.

import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import type { GrpcMethod } from "./descriptors.ts";

/** Throws for what is not a request of the method, as k6 rejects it. */
export function encodeRequest({ descriptor, registry }: GrpcMethod, request: unknown): Uint8Array {
  return toBinary(descriptor.input, fromJson(descriptor.input, request as JsonValue, { registry }));
}

export function decodeResponse({ descriptor, registry }: GrpcMethod, bytes: Uint8Array): unknown {
  const { output } = descriptor;
  return toJson(output, fromBinary(output, bytes), { registry, alwaysEmitImplicit: true });
}

/** What k6 gives as the message of a call that failed. */
export function emptyResponse({ descriptor }: GrpcMethod): unknown {
  return toJson(descriptor.output, create(descriptor.output), { alwaysEmitImplicit: true });
}

/** The details of a status, as far as their types are known; undefined for what is not one. */
export function decodeDetails({ registry }: GrpcMethod, serialized: Uint8Array): unknown[] {
  const status: DescMessage | undefined = registry.getMessage("google.rpc.Status");
  if (status === undefined) return [];
  try {
    const json = toJson(status, fromBinary(status, serialized), { registry });
    const details = (json as { details?: unknown[] } | null)?.details;
    return details ?? [];
  } catch {
    // An unknown type, or bytes that are none: the status itself is told all the same.
    return [];
  }
}
