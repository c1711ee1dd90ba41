// From typed handlers to byte handlers: decodes requests, encodes responses. The types come from ts-proto's service definitions.
import type { Call } from "./call.ts";
import { type Handler, singleInput, streamInput } from "./handler.ts";
import { type Encodable, encodeMessage } from "./message-encoder.ts";
import { malformedRequest } from "./rpc-error.ts";

interface Codec<T> extends Encodable<T> {
  decode(bytes: Uint8Array): T;
}

// The parameter of a method is contravariant: a definition of any message type is accepted through `never`.
interface AnyCodec extends Encodable<never> {
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

export type RequestOf<M extends MethodDefinition> = ReturnType<M["requestType"]["decode"]>;
export type ResponseOf<M extends MethodDefinition> = ReturnType<M["responseType"]["decode"]>;

/** The handler of a method: async function or async generator over plain messages. */
export type HandlerOf<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? AsyncIterable<RequestOf<M>> : RequestOf<M>,
  call: Call,
) => M["responseStream"] extends true ? AsyncIterable<ResponseOf<M>> : Promise<ResponseOf<M>> | ResponseOf<M>;

export type HandlersOf<S extends ServiceDefinition> = {
  readonly [K in keyof S["methods"]]: HandlerOf<S["methods"][K]>;
};

/** Byte handlers by path. A method left out answers UNIMPLEMENTED. */
export type ServiceImplementation = ReadonlyMap<string, Handler>;

export function implement<S extends ServiceDefinition>(
  definition: S,
  handlers: Partial<HandlersOf<S>>,
): ServiceImplementation {
  const byPath = new Map<string, Handler>();
  for (const [key, method] of Object.entries(definition.methods)) {
    const handler = handlers[key];
    if (handler === undefined) continue;
    byPath.set(`/${definition.fullName}/${method.name}`, toByteHandler(method, erase(handler)));
  }
  return byPath;
}

type ErasedHandler = (request: unknown, call: Call) => unknown;

// The one cast of this file: the key that found the handler also found the method, so their types agree, which a Record of
// methods cannot say.
function erase(handler: unknown): ErasedHandler {
  return handler as ErasedHandler;
}

function toByteHandler(method: MethodDefinition, handler: ErasedHandler): Handler {
  const request = method.requestType as Codec<unknown>;
  const response = method.responseType as Codec<unknown>;
  const read = method.requestStream
    ? (input: Parameters<Handler>[1]) => decodeAll(request, streamInput(input))
    : (input: Parameters<Handler>[1]) => decode(request, singleInput(input));
  if (method.responseStream) {
    return (call, input) => encodeAll(response, handler(read(input), call) as AsyncIterable<unknown>);
  }
  return (call, input) => {
    const result = handler(read(input), call);
    return result instanceof Promise
      ? result.then((message) => encodeMessage(response, message))
      : encodeMessage(response, result);
  };
}

function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes);
  } catch {
    throw malformedRequest();
  }
}

async function* decodeAll<T>(codec: Codec<T>, messages: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const bytes of messages) yield decode(codec, bytes);
}

async function* encodeAll<T>(codec: Codec<T>, messages: AsyncIterable<T>): AsyncGenerator<Uint8Array> {
  for await (const message of messages) yield encodeMessage(codec, message);
}
