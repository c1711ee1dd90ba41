// A stream of a script: events out, messages in. What is written before the call is open waits for it, in order.

import { decodeMetadata } from "#wire/metadata.ts";
import type { WireStream } from "#wire/streaming-call.ts";
import type { GrpcMethod } from "./descriptors.ts";
import type { GrpcConnection } from "./grpc-connection.ts";
import type { CallParams } from "./grpc-params.ts";
import { grpcError } from "./grpc-response.ts";
import { decodeResponse, encodeRequest } from "./messages.ts";
import { type Closable, hold, release, sample, type VuContext } from "./vu-context.ts";

type Listener = (data: unknown, metadata: { readonly ts: number }) => void;

export interface StreamHandle {
  readonly listeners: Readonly<Record<"data" | "error" | "end", Listener[]>>;
  /** Throws for what is not a request of the method. */
  write(request: object): void;
  end(): void;
}

export interface StreamOptions {
  readonly vu: VuContext;
  readonly connection: GrpcConnection;
  readonly method: GrpcMethod;
  readonly params: CallParams;
  readonly tags: Readonly<Record<string, string>>;
}

export function openStream(options: StreamOptions): StreamHandle {
  const { vu, method, tags } = options;
  const listeners: StreamHandle["listeners"] = { data: [], error: [], end: [] };
  const cancelled = new AbortController();
  const work: Closable = { close: () => cancelled.abort(new Error("the stream was closed")) };
  const opened = open(options, cancelled.signal);
  // Writes follow each other: each waits for the one before to be handed on.
  let writing: Promise<unknown> = opened.catch(() => {});
  hold(vu, work);
  sample(vu, "grpc_streams", 1, tags);
  void run(options, opened, listeners).finally(() => release(vu, work));
  return {
    listeners,
    write(request) {
      const bytes = encodeRequest(method, request);
      writing = writing.then(async () => {
        if (await (await opened).send(bytes)) sample(vu, "grpc_streams_msgs_sent", 1, tags);
      });
      // A call that has ended is told by its own events.
      writing = writing.catch(() => {});
    },
    end() {
      writing = writing.then(async () => (await opened).end()).catch(() => {});
    },
  };
}

async function open(
  { vu, connection, method, params }: StreamOptions,
  closed: AbortSignal,
): Promise<WireStream> {
  const wire = await connection.ready();
  const { timeoutMs, metadata } = params;
  const timeout = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  const signal = AbortSignal.any([vu.interrupt, closed, ...timeout]);
  const head = { path: `/${method.service}/${method.name}`, metadata };
  return wire.open(timeoutMs === undefined ? head : { ...head, timeoutMs }, signal);
}

async function run(
  { vu, connection, method, params, tags }: StreamOptions,
  opened: Promise<WireStream>,
  listeners: StreamHandle["listeners"],
): Promise<void> {
  const startedAt = performance.now();
  const emit = (event: "data" | "error" | "end", data: unknown): void => {
    for (const listener of listeners[event]) {
      try {
        // As in k6: seconds.
        listener(data, { ts: Math.floor(Date.now() / 1_000) });
      } catch (error) {
        vu.onError?.(error);
      }
    }
  };
  try {
    const call = await opened;
    for await (const { bytes } of call.messages) {
      sample(vu, "grpc_streams_msgs_received", 1, tags);
      emit(
        "data",
        bytes === undefined || params.discardResponseMessage ? null : decodeResponse(method, bytes),
      );
    }
    const { grpcStatus, grpcMessage, trailers } = await call.outcome;
    sample(vu, "grpc_req_duration", performance.now() - startedAt, { ...tags, status: String(grpcStatus) });
    await connection.account();
    if (grpcStatus !== 0) emit("error", grpcError(method, grpcStatus, grpcMessage, decodeMetadata(trailers)));
  } catch (error) {
    emit("error", { code: 14, message: error instanceof Error ? error.message : String(error), details: [] });
  }
  emit("end", undefined);
}
