// The module "k6/net/grpc": clients and streams, as far as scripts may use them. What the subset leaves out (invoke, reflection,
// healthCheck) is not here, so that a script which uses it does not run.

import type { FileRegistry } from "@bufbuild/protobuf";
import { findMethod, type GrpcMethod, loadProtos, loadProtoset } from "../descriptors.ts";
import { GrpcConnection } from "../grpc-connection.ts";
import { type CallParams, callParams, connectParams } from "../grpc-params.ts";
import { grpcError, metadataLists } from "../grpc-response.ts";
import { openStream, type StreamHandle } from "../grpc-stream.ts";
import { decodeResponse, emptyResponse, encodeRequest } from "../messages.ts";
import { currentVu, requireInit, requireVu, sample, type VuContext } from "../vu-context.ts";

export class Client {
  #registry: FileRegistry | undefined = undefined;
  #connection: GrpcConnection | undefined = undefined;

  /** Relative to the script. */
  load(importPaths: string[], ...protoFiles: string[]): void {
    this.#registry = loadProtos(requireInit("load").run.directory, importPaths, protoFiles);
  }

  loadProtoset(protosetPath: string): void {
    this.#registry = loadProtoset(requireInit("loadProtoset").run.directory, protosetPath);
  }

  connect(address: string, params?: object): void {
    const vu = requireVu("connect");
    this.#connection?.close();
    this.#connection = new GrpcConnection(vu, address, connectParams(params));
  }

  /** Resolves whatever the status; rejects for a method that is not loaded, bad parameters and what is not a request. */
  async asyncInvoke(url: string, request: object, params?: object): Promise<unknown> {
    const vu = requireVu("asyncInvoke");
    const connection = this.connection();
    const method = this.method(url);
    if (method.descriptor.methodKind !== "unary") throw new Error(`${url} is a stream: use Stream`);
    const message = encodeRequest(method, request);
    return invoke({ vu, connection, method, message, params: callParams(params) });
  }

  close(): void {
    currentVu();
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** For Stream. */
  connection(): GrpcConnection {
    if (this.#connection === undefined) throw new Error("no gRPC connection, you must call connect first");
    return this.#connection;
  }

  /** For Stream. */
  method(url: string): GrpcMethod {
    return findMethod(this.#registry, url);
  }
}

interface Invocation {
  readonly vu: VuContext;
  readonly connection: GrpcConnection;
  readonly method: GrpcMethod;
  readonly message: Uint8Array;
  readonly params: CallParams;
}

async function invoke({ vu, connection, method, message, params }: Invocation): Promise<unknown> {
  const wire = await connection.ready();
  const { timeoutMs = 0, metadata } = params;
  const path = `/${method.service}/${method.name}`;
  using limit = limitedBy(vu.interrupt, timeoutMs);
  // An iteration that began late sends late: the call was meant to be sent that much earlier.
  const lateMs = vu.lateMs;
  const sentAt = performance.now();
  const result = await wire.call({ path, message, timeoutMs, metadata }, limit.signal);
  const tookMs = performance.now() - sentAt;
  const expired = result.failure === "cancelled" && !vu.interrupt.aborted;
  const status = expired ? DEADLINE_EXCEEDED : result.grpcStatus;
  const tags = { ...callTags(connection, method), status: String(status), ...params.tags };
  sample(vu, "grpc_req_duration", tookMs, tags);
  if (lateMs !== undefined) sample(vu, "intended_latency", tookMs + lateMs, tags);
  await connection.account();
  const ok = status === 0;
  const body =
    ok && result.message !== undefined ? decodeResponse(method, result.message) : emptyResponse(method);
  return {
    status,
    message: params.discardResponseMessage ? null : body,
    headers: metadataLists(result.headerMetadata),
    trailers: metadataLists(result.trailerMetadata),
    error: ok
      ? null
      : grpcError(method, status, expired ? "deadline exceeded" : result.grpcMessage, result.trailerMetadata),
  };
}

const DEADLINE_EXCEEDED = 4;

/** Aborted by `signal` or when the time is over; to be let go, or a timer would wait for each call of the last minutes. */
function limitedBy(signal: AbortSignal, timeoutMs: number): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(abort, timeoutMs);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    },
  };
}

function callTags(connection: GrpcConnection, { service, name }: GrpcMethod): Record<string, string> {
  const path = `/${service}/${name}`;
  return { service, method: name, name: path, url: `${connection.address}${path}` };
}

type Listener = (data: unknown, metadata: { readonly ts: number }) => void;
type StreamEvent = "data" | "error" | "end";

/** Begins at once. A stream that ends badly fires "error" and then "end"; one that ends well fires "end" only. */
export class Stream {
  readonly #handle: StreamHandle;

  constructor(client: Client, url: string, params?: object) {
    const vu = requireVu("Stream");
    const connection = client.connection();
    const method = client.method(url);
    const parsed = callParams(params, false);
    const tags = { ...callTags(connection, method), ...parsed.tags };
    this.#handle = openStream({ vu, connection, method, params: parsed, tags });
  }

  on(event: StreamEvent, listener: Listener): void {
    if (!["data", "error", "end"].includes(event))
      throw new TypeError(`stream event "${event}" is not known`);
    this.#handle.listeners[event].push(listener);
  }

  write(request: object): void {
    this.#handle.write(request);
  }

  end(): void {
    this.#handle.end();
  }
}

// biome-ignore format: one line a code would be a page of nothing.
export const StatusOK = 0, StatusCanceled = 1, StatusUnknown = 2, StatusInvalidArgument = 3, StatusDeadlineExceeded = 4, StatusNotFound = 5, StatusAlreadyExists = 6, StatusPermissionDenied = 7, StatusResourceExhausted = 8, StatusFailedPrecondition = 9, StatusAborted = 10, StatusOutOfRange = 11, StatusUnimplemented = 12, StatusInternal = 13, StatusUnavailable = 14, StatusDataLoss = 15, StatusUnauthenticated = 16;

// biome-ignore lint/style/noDefaultExport: scripts may import this module as a whole, as in k6.
export default {
  Client,
  Stream,
  StatusOK,
  StatusCanceled,
  StatusUnknown,
  StatusInvalidArgument,
  StatusDeadlineExceeded,
  StatusNotFound,
  StatusAlreadyExists,
  StatusPermissionDenied,
  StatusResourceExhausted,
  StatusFailedPrecondition,
  StatusAborted,
  StatusOutOfRange,
  StatusUnimplemented,
  StatusInternal,
  StatusUnavailable,
  StatusDataLoss,
  StatusUnauthenticated,
};
