// A typed caller of one service over a wire connection: messages in and out, promises and async iterables. Every call has a timeout that
// both sides know; a call that ends badly throws RpcFailure. No retries: what a call did is what the harness wants to see.

import type { WireConnection } from "#wire/connection.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import { decodeMetadata, type MetadataEntry } from "#wire/metadata.ts";
import { RpcFailure } from "./rpc-failure.ts";

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

// The parameter of a codec is contravariant: one of any message type is accepted through `never`.
interface AnyCodec {
  encode(message: never): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

export interface MethodDefinition {
  readonly name: string;
  readonly requestType: AnyCodec;
  readonly requestStream: boolean;
  readonly responseType: AnyCodec;
  readonly responseStream: boolean;
}

export interface ServiceDefinition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type RequestOf<M extends MethodDefinition> = ReturnType<M["requestType"]["decode"]>;
type ResponseOf<M extends MethodDefinition> = ReturnType<M["responseType"]["decode"]>;
type Requests<M extends MethodDefinition> = AsyncIterable<RequestOf<M>> | Iterable<RequestOf<M>>;

export interface CallerOptions {
  readonly token?: string | undefined;
  /** Default 15 s; for streams without end, give them a signal and a long one. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

type Call<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? Requests<M> : RequestOf<M>,
  options?: CallerOptions,
) => M["responseStream"] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>;

export type ServiceCaller<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: Call<S["methods"][K]>;
};

const DEFAULT_TIMEOUT_MS = 15_000;

/** `options` are those of every call; a call's own win. */
export function serviceCaller<S extends ServiceDefinition>(
  definition: S,
  connection: WireConnection,
  options: CallerOptions = {},
): ServiceCaller<S> {
  const calls = Object.entries(definition.methods).map(([key, method]) => {
    const target = { connection, path: `/${definition.fullName}/${method.name}`, method };
    return [key, bind(target, options)];
  });
  return Object.fromEntries(calls);
}

interface Target {
  readonly connection: WireConnection;
  readonly path: string;
  readonly method: MethodDefinition;
}

function bind(target: Target, shared: CallerOptions): unknown {
  const { requestStream, responseStream } = target.method;
  if (!requestStream && !responseStream) {
    return (request: unknown, own?: CallerOptions) => unary(target, request, { ...shared, ...own });
  }
  const open = (request: unknown, own?: CallerOptions): AsyncGenerator<unknown> =>
    stream(target, requestStream ? (request as Messages) : [request], { ...shared, ...own });
  if (responseStream) return open;
  return async (request: unknown, own?: CallerOptions) => only(target, open(request, own));
}

type Messages = AsyncIterable<unknown> | Iterable<unknown>;

// The casts of this file: a method's codecs are those of its own messages, which a Record of methods cannot say.
const codecOf = (codec: AnyCodec): Codec<unknown> => codec as Codec<unknown>;

async function unary(
  { connection, path, method }: Target,
  request: unknown,
  options: CallerOptions,
): Promise<unknown> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const message = codecOf(method.requestType).encode(request).finish();
  const signal = limitedBy(timeoutMs, options.signal);
  const result = await connection.call({ path, message, timeoutMs, metadata: metadataOf(options) }, signal);
  const { grpcStatus, grpcMessage, failure, trailerMetadata } = result;
  if (grpcStatus === GrpcStatus.OK && result.message !== undefined) {
    return codecOf(method.responseType).decode(result.message);
  }
  throw new RpcFailure({ method: path, grpcStatus, grpcMessage, failure, trailers: trailerMetadata });
}

async function* stream(
  { connection, path, method }: Target,
  requests: Messages,
  options: CallerOptions,
): AsyncGenerator<unknown> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const signal = limitedBy(timeoutMs, options.signal);
  const call = await connection.open({ path, timeoutMs, metadata: metadataOf(options) }, signal);
  let failed: unknown;
  const sent = send(call, codecOf(method.requestType), requests).catch((error: unknown) => {
    failed = error;
    call.cancel();
  });
  try {
    for await (const { bytes } of call.messages) {
      if (bytes !== undefined) yield codecOf(method.responseType).decode(bytes);
    }
    const { grpcStatus, grpcMessage, failure, trailers } = await call.outcome;
    await sent;
    if (failed !== undefined) throw failed;
    if (grpcStatus === GrpcStatus.OK) return;
    throw new RpcFailure({
      method: path,
      grpcStatus,
      grpcMessage,
      failure,
      trailers: decodeMetadata(trailers),
    });
  } finally {
    call.cancel();
  }
}

interface Outgoing {
  send(message: Uint8Array): Promise<boolean>;
  end(): void;
}

/** Stops when the call has ended. */
async function send(call: Outgoing, codec: Codec<unknown>, requests: Messages): Promise<void> {
  for await (const request of requests) {
    if (!(await call.send(codec.encode(request).finish()))) return;
  }
  call.end();
}

async function only({ path }: Target, answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new Error(`${path} ended with OK and without an answer`);
}

function metadataOf({ token }: CallerOptions): MetadataEntry[] {
  return token === undefined ? [] : [["authorization", `Bearer ${token}`]];
}

function limitedBy(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  // A little later than the server's own limit, so that the server's answer is seen where there is one.
  const timeout = AbortSignal.timeout(timeoutMs + 500);
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}
