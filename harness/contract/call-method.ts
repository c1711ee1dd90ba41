// Calls any method of the contract with bytes, and says how it ended: the status, what was wrong with which field, and the answers.

import { setTimeout as sleep } from "node:timers/promises";
import { BadRequest } from "#proto/google/rpc/error_details.ts";
import { Status } from "#proto/google/rpc/status.ts";
import type { WireConnection } from "#wire/connection.ts";
import { decodeMetadata, type MetadataEntry } from "#wire/metadata.ts";
import type { ContractMethod } from "./contract.ts";

export interface MethodCall {
  readonly method: ContractMethod;
  /** Encoded requests: one, or what a request stream sends. */
  readonly messages: readonly Uint8Array[];
  readonly metadata?: readonly MetadataEntry[];
  readonly timeoutMs?: number;
  /** A stream without end is left after this time. Default 150 ms. */
  readonly patienceMs?: number;
}

export interface MethodOutcome {
  /** undefined: the stream had not ended when it was left. */
  readonly status: number | undefined;
  readonly message: string;
  /** Fields that a BadRequest names. */
  readonly fields: readonly string[];
  readonly answers: readonly Uint8Array[];
  readonly trailers: readonly MetadataEntry[];
}

const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_PATIENCE_MS = 150;

export async function callMethod(connection: WireConnection, call: MethodCall): Promise<MethodOutcome> {
  return call.method.kind === "unary" ? unary(connection, call) : streaming(connection, call);
}

async function unary(connection: WireConnection, call: MethodCall): Promise<MethodOutcome> {
  const { method, messages, metadata = [], timeoutMs = DEFAULT_TIMEOUT_MS } = call;
  const [message = new Uint8Array(0)] = messages;
  const result = await connection.call(
    { path: method.path, message, metadata, timeoutMs },
    AbortSignal.timeout(2 * timeoutMs),
  );
  const { grpcStatus, grpcMessage = "", failure, trailerMetadata } = result;
  return {
    status: grpcStatus,
    message: failure === undefined ? grpcMessage : `${failure}: ${grpcMessage}`,
    fields: fieldsOf(trailerMetadata),
    answers: result.message === undefined ? [] : [result.message],
    trailers: trailerMetadata,
  };
}

async function streaming(connection: WireConnection, call: MethodCall): Promise<MethodOutcome> {
  const { method, messages, metadata = [], timeoutMs = DEFAULT_TIMEOUT_MS } = call;
  const { patienceMs = DEFAULT_PATIENCE_MS } = call;
  const stream = await connection.open(
    { path: method.path, metadata, timeoutMs },
    AbortSignal.timeout(2 * timeoutMs),
  );
  const answers: Uint8Array[] = [];
  const reading = (async () => {
    for await (const { bytes } of stream.messages) if (bytes !== undefined) answers.push(bytes);
  })();
  for (const message of messages) if (!(await stream.send(message))) break;
  stream.end();
  const left = new AbortController();
  const outcome = await Promise.race([
    stream.outcome,
    sleep(patienceMs, undefined, { signal: left.signal, ref: false }).catch(() => undefined),
  ]);
  left.abort();
  if (outcome === undefined) stream.cancel();
  await reading;
  if (outcome === undefined) return { status: undefined, message: "", fields: [], answers, trailers: [] };
  const trailers = decodeMetadata(outcome.trailers);
  const { grpcStatus, grpcMessage = "", failure } = outcome;
  return {
    status: grpcStatus,
    message: failure === undefined ? grpcMessage : `${failure}: ${grpcMessage}`,
    fields: fieldsOf(trailers),
    answers,
    trailers,
  };
}

function fieldsOf(trailers: readonly MetadataEntry[]): string[] {
  const [, serialized] = trailers.find(([name]) => name === "grpc-status-details-bin") ?? [];
  if (!(serialized instanceof Uint8Array)) return [];
  return Status.decode(serialized)
    .details.filter(({ typeUrl }) => typeUrl.endsWith("/google.rpc.BadRequest"))
    .flatMap(({ value }) => BadRequest.decode(value).fieldViolations.map(({ field }) => field));
}
