// How a call ended: the code and message of gRPC, and the details of google.rpc.Status as they go on the wire.
import type { Any } from "#proto/google/protobuf/any.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { Status as StatusMessage } from "#proto/google/rpc/status.ts";

export { Code };

export interface Status {
  readonly code: Code;
  /** For people; stable, without secrets. */
  readonly message: string;
  /** Typed details, at most one of each type. Empty for OK. */
  readonly details: readonly Any[];
  /** Further trailing metadata, ASCII keys and values. */
  readonly trailers: ReadonlyArray<readonly [key: string, value: string]>;
  /** What really happened. Logged, never sent. */
  readonly cause?: unknown;
}

export const OK: Status = { code: Code.OK, message: "", details: [], trailers: [] };

const NAMES = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** "OK", "NOT_FOUND" ...; "UNKNOWN" for a number that gRPC does not define. */
export function codeName(code: number): string {
  return NAMES.get(code) ?? "UNKNOWN";
}

/** The metadata key that carries `encodeDetails`. */
export const DETAILS_KEY = "grpc-status-details-bin";

/** The serialized google.rpc.Status that goes into `DETAILS_KEY`; undefined when there is nothing to add to code and message. */
export function encodeDetails(status: Status): Uint8Array | undefined {
  if (status.details.length === 0) return undefined;
  return StatusMessage.encode({
    code: status.code,
    message: status.message,
    details: [...status.details],
  }).finish();
}
