// A typed client of one service over one grpc-js channel: promises and async iterables. Every call has a deadline: the one asked for,
// else its policy's, and never later than the parent call's, whose cancellation and trace it also carries on.
import {
  type CallOptions as GrpcCallOptions,
  type Client as GrpcClient,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { TRACEPARENT } from "#impl/observability/names.ts";
import { traceparentFor } from "#impl/observability/traceparent.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import { ACCEPT_ENCODING_KEY } from "#impl/runtime/message.ts";
import type { Method } from "#impl/runtime/method.ts";
import { type OriginalCaller, SERVICE_PREFIX } from "#impl/runtime/principal.ts";
import type { Schema } from "#impl/runtime/schema.ts";
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "#impl/runtime/service.ts";
import { CallError } from "./call-error.ts";
import { isRepeatable } from "./repeatable.ts";

export interface CallOptions {
  /** The call on whose behalf this one is made: its deadline bounds this one, its failure cancels it, its trace goes on. */
  readonly parent?: Call;
  /** For whom it is made where there is no such call any more. */
  readonly onBehalfOf?: OriginalCaller;
  /** Default: the deadline of the method's policy. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly metadata?: Readonly<Record<string, string>>;
  /** False: one attempt, even if the method may be repeated. Default true; what there is to repeat is the channel's configuration. */
  readonly retry?: boolean;
  /** Told of the response's initial and trailing metadata. */
  readonly onHeaders?: (headers: Metadata) => void;
  readonly onTrailers?: (trailers: Metadata) => void;
}

type Requests<M extends MethodDefinition> = AsyncIterable<RequestOf<M>> | Iterable<RequestOf<M>>;

export type ClientMethod<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? Requests<M> : RequestOf<M>,
  options?: CallOptions,
) => M["responseStream"] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>>;

export type ClientOf<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: ClientMethod<S["methods"][K]>;
};

export interface ClientContext {
  /** Read with every call, so that it may be a getter of a channel that is opened when it is first needed. */
  readonly channel: GrpcClient;
  readonly schema: Schema;
  readonly clock: Clock;
  /** Metadata of every call, such as the caller's credentials and for whom it calls; a call's own wins. */
  readonly metadata?: (caller: OriginalCaller | undefined) => Readonly<Record<string, string>>;
  /** Told of each call that begins, and how to cancel it; what it hands back, of its end. */
  readonly onCall?: (cancel: () => void) => () => void;
  /** What is done around every call. */
  readonly wrap?: MethodWrapper;
}

export type PromiseMethod = (request: unknown, options?: CallOptions) => Promise<unknown>;
export type StreamMethod = (request: unknown, options?: CallOptions) => AsyncIterable<unknown>;

/** Makes of a method one that does more, of the same type: one for methods with one response, one for those with many. */
export interface MethodWrapper {
  promise(method: Method, call: PromiseMethod): PromiseMethod;
  stream(method: Method, call: StreamMethod): StreamMethod;
}

const UNCHANGED: MethodWrapper = { promise: (_, call) => call, stream: (_, call) => call };

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

export function createClient<S extends ServiceDefinition>(
  definition: S,
  context: ClientContext,
): ClientOf<S> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const path = `/${definition.fullName}/${method.name}`;
    const described = context.schema.methods.get(path);
    if (described === undefined) throw new Error(`${path} is not in the schema`);
    return [key, bindMethod(method, described, context)];
  });
  return Object.fromEntries(methods);
}

function bindMethod(definition: MethodDefinition, method: Method, context: ClientContext): unknown {
  const { unary, clientStream, serverStream, bidi } = createInvocation(definition, method, context);
  const { promise, stream } = context.wrap ?? UNCHANGED;
  if (definition.responseStream) return stream(method, definition.requestStream ? erase(bidi) : serverStream);
  return promise(method, definition.requestStream ? erase(clientStream) : unary);
}

type Messages = AsyncIterable<unknown> | Iterable<unknown>;

// The one cast of this file: wrappers do not look at requests of methods with a stream of them.
function erase<R>(call: (messages: Messages, options?: CallOptions) => R) {
  return (request: unknown, options?: CallOptions): R => call(request as Messages, options);
}

type Cancellable = { cancel(): void; on(event: "metadata", listener: (metadata: Metadata) => void): unknown };

function createInvocation(definition: MethodDefinition, method: Method, context: ClientContext) {
  const request = definition.requestType as Codec;
  const response = definition.responseType as Codec;
  const encode = (message: unknown): Buffer => Buffer.from(request.encode(message).finish());
  const decode = (bytes: Buffer): unknown => response.decode(bytes);
  const prepare = (options: CallOptions, message?: unknown): [Metadata, GrpcCallOptions] => {
    const metadata = requestMetadata(options, context.metadata?.(originalCaller(options)));
    if (options.retry !== false && isRepeatable(method, message)) {
      metadata.setOptions({ idempotentRequest: true });
    }
    return [metadata, { deadline: deadlineOf(method, options, context.clock) }];
  };

  return {
    unary(message: unknown, options: CallOptions = {}): Promise<unknown> {
      return new Promise((resolve, reject) => {
        const settle = settler(method, resolve, reject);
        const call = context.channel.makeUnaryRequest(
          method.path,
          encode,
          decode,
          message,
          ...prepare(options, message),
          settle,
        );
        follow(call, options, context, (listener) => call.on("status", listener));
      });
    },
    clientStream(messages: Messages, options: CallOptions = {}): Promise<unknown> {
      return new Promise((resolve, reject) => {
        const settle = settler(method, resolve, reject);
        const call = context.channel.makeClientStreamRequest(
          method.path,
          encode,
          decode,
          ...prepare(options),
          settle,
        );
        follow(call, options, context, (listener) => call.on("status", listener));
        void writeAll(call, messages, reject);
      });
    },
    serverStream(message: unknown, options: CallOptions = {}): AsyncIterable<unknown> {
      const call = context.channel.makeServerStreamRequest(
        method.path,
        encode,
        decode,
        message,
        ...prepare(options, message),
      );
      const messages = readAll(call, method);
      follow(call, options, context, (listener) => call.on("status", listener));
      return messages;
    },
    bidi(messages: Messages, options: CallOptions = {}): AsyncIterable<unknown> {
      const call = context.channel.makeBidiStreamRequest(method.path, encode, decode, ...prepare(options));
      const responses = readAll(call, method);
      follow(call, options, context, (listener) => call.on("status", listener));
      void writeAll(call, messages, (error) =>
        call.destroy(error instanceof Error ? error : new Error(String(error))),
      );
      return responses;
    },
  };
}

function settler(
  method: Method,
  resolve: (value: unknown) => void,
  reject: (reason: unknown) => void,
): (error: ServiceError | null, value?: unknown) => void {
  return (error, value) => (error === null ? resolve(value) : reject(new CallError(method.path, error)));
}

function requestMetadata(
  options: CallOptions,
  ofEveryCall: Readonly<Record<string, string>> | undefined,
): Metadata {
  const metadata = new Metadata();
  metadata.set(ACCEPT_ENCODING_KEY, "gzip");
  const trace = options.parent === undefined ? undefined : traceparentFor(options.parent);
  if (trace !== undefined) metadata.set(TRACEPARENT, trace);
  for (const [key, value] of Object.entries(ofEveryCall ?? {})) metadata.set(key, value);
  for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
  return metadata;
}

/** Who began it all: of a chain of services, whom the first of them was called by. A service that acts by itself acts for nobody. */
function originalCaller({ parent, onBehalfOf }: CallOptions): OriginalCaller | undefined {
  const caller = onBehalfOf ?? parent?.onBehalfOf ?? parent?.principal;
  return caller?.userId.startsWith(SERVICE_PREFIX) === true ? undefined : caller;
}

/** Milliseconds since the epoch: the sooner of the call's own deadline and its parent's. */
export function deadlineOf(method: Method, options: CallOptions, clock: Clock): number {
  const own = clock.now() + (options.deadlineMs ?? method.policy.deadlineMs);
  return Math.min(own, options.parent?.deadlineAt ?? Number.POSITIVE_INFINITY);
}

/** Cancels the call when its parent or its signal does, and lets go of both when it ends. */
function follow(
  call: Cancellable,
  options: CallOptions,
  context: ClientContext,
  onStatus: (listener: (status: { metadata: Metadata }) => void) => void,
): void {
  if (options.onHeaders !== undefined) call.on("metadata", options.onHeaders);
  const signals = [options.signal, options.parent?.signal].filter((signal) => signal !== undefined);
  const cancel = (): void => call.cancel();
  const ended = context.onCall?.(cancel);
  for (const signal of signals) {
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
  }
  onStatus((status) => {
    ended?.();
    for (const signal of signals) signal.removeEventListener("abort", cancel);
    options.onTrailers?.(status.metadata);
  });
}

interface Writable {
  write(message: unknown, done: (error?: Error | null) => void): boolean;
  end(): void;
  cancel(): void;
  on(event: "status", listener: () => void): unknown;
}

/**
 * Writes one message at a time, so that a slow server holds the producer back. Never rejects: a producer that throws cancels the call. When
 * the call ends first, the producer is told by its `return`; the write that is under way then may never be answered.
 */
async function writeAll(
  call: Writable,
  messages: Messages,
  onError: (error: unknown) => void,
): Promise<void> {
  let ended = false;
  let wake = (): void => {};
  call.on("status", () => {
    ended = true;
    wake();
  });
  try {
    for await (const message of messages) {
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        call.write(message, () => resolve());
      });
      if (ended) return;
    }
    call.end();
  } catch (error) {
    onError(error);
    call.cancel();
  }
}

interface Readable extends AsyncIterable<unknown> {
  cancel(): void;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

/** Listens from the start: a stream that fails before anyone reads it must neither end the process nor end well. */
function readAll(call: Readable, method: Method): AsyncGenerator<unknown> {
  let failure: unknown;
  call.on("error", (error) => {
    failure ??= error;
  });
  const translated = (error: unknown): unknown =>
    isServiceError(error) ? new CallError(method.path, error) : error;
  return (async function* () {
    try {
      yield* call;
    } catch (error) {
      throw translated(error);
    } finally {
      call.cancel();
    }
    if (failure !== undefined) throw translated(failure);
  })();
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}
