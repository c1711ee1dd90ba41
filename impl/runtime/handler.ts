// A handler takes bytes and gives bytes; a link wraps a handler in another. The chain is composed once a method, never a call.
import type { Call } from "./call.ts";
import type { Message } from "./message.ts";
import type { Method } from "./method.ts";

/** One message, or the messages of a request stream. */
export type Input = Uint8Array | AsyncIterable<Uint8Array>;

/** One message, now or later, or the messages of a response stream. */
export type Output = Message | Promise<Message> | AsyncIterable<Message>;

/** Which member of Input and Output a handler gets and gives is fixed by its method's shape. Errors are thrown or rejected. */
export type Handler = (call: Call, input: Input) => Output;

/** Wraps `next` for one method; returns `next` itself when it has nothing to do for it. */
export type Link = (method: Method, next: Handler) => Handler;

/** Composes the chain of a method; the first link is the outermost. */
export function compose(links: readonly Link[], method: Method, handler: Handler): Handler {
  return links.reduceRight((next, link) => link(method, next), handler);
}

export function isPromise(output: Output): output is Promise<Message> {
  return output instanceof Promise;
}

export function isStream<T>(value: Uint8Array | object): value is AsyncIterable<T> {
  return Symbol.asyncIterator in value;
}

/** The single request of a method without request stream. */
export function singleInput(input: Input): Uint8Array {
  if (input instanceof Uint8Array) return input;
  throw new Error("a stream of requests reached a handler of one request");
}

/** The requests of a method with a request stream. */
export function streamInput(input: Input): AsyncIterable<Uint8Array> {
  if (!(input instanceof Uint8Array)) return input;
  throw new Error("one request reached a handler of a stream of requests");
}

/** A method with its composed chain. */
export interface BoundMethod {
  readonly method: Method;
  readonly handler: Handler;
}
