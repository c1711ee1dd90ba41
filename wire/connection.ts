/**
 * The client's side of one connection: numbers streams, keeps calls waiting for a free one, and ends every
 * call exactly once. One connection only: balancing, retries and timers are for others.
 */
import type { Duplex } from "node:stream";
import { type CallId, CallQueue } from "./call-queue.ts";
import type { ClientLimits } from "./client-limits.ts";
import type { Goaway } from "./control-frames.ts";
import { CLIENT_PREFACE, ErrorCode, LARGEST_STREAM_ID } from "./frames.ts";
import { decodeMetadata, type MetadataEntry } from "./metadata.ts";
import {
  encodeRequestHead,
  type PreparedRequest,
  prepare,
  type RequestHead,
  type UnaryRequest,
} from "./prepared-request.ts";
import { writeHeaders, writeUnary } from "./request-writer.ts";
import { type ResponseHead, readResponseHead } from "./response-head.ts";
import { Session } from "./session.ts";
import type { Stream, StreamSink } from "./stream.ts";
import { StreamingCall, type WireStream } from "./streaming-call.ts";
import { type CallHost, UnaryCall, type UnaryDone, type UnaryResult } from "./unary-call.ts";
import { ConnectionError, violation } from "./wire-error.ts";

export interface ConnectionStats {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly socketWrites: number;
  readonly framesReceived: number;
  readonly dataFramesSent: number;
  readonly headerBlocksFromCache: number;
  readonly openStreams: number;
  readonly queuedCalls: number;
  /** The peer's limit or ours, whichever is lower. */
  readonly maxConcurrentStreams: number;
}

/** A unary response with its metadata decoded. */
export interface CallResult extends UnaryResult {
  readonly headerMetadata: readonly MetadataEntry[];
  readonly trailerMetadata: readonly MetadataEntry[];
}

export class WireConnection {
  /** Runs once, after every call has ended. No error: closed by `close`, or by the peer in good order. */
  onClose: ((error: ConnectionError | undefined) => void) | undefined = undefined;
  readonly #session: Session<ResponseHead>;
  readonly #limits: ClientLimits;
  readonly #authority: string;
  readonly #scheme: "http" | "https";
  readonly #queue: CallQueue;
  readonly #host: CallHost;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #nextStreamId: number;
  #maxStreams = 0;
  /** Highest stream the peer will still answer, once it said GOAWAY. */
  #lastAnswered = LARGEST_STREAM_ID;
  #draining = false;
  #refusal: ConnectionError | undefined = undefined;

  constructor(
    socket: Duplex,
    limits: ClientLimits,
    authority: string,
    scheme: "http" | "https",
    firstStreamId: number,
  ) {
    this.#limits = limits;
    this.#queue = new CallQueue(limits.maxQueuedCalls);
    this.#authority = authority;
    this.#scheme = scheme;
    this.#nextStreamId = firstStreamId;
    this.#ready.promise.catch(() => {}); // Whoever waits for it sees the rejection; nobody has to.
    const role = {
      interpret: readResponseHead,
      headers: (id: number) => this.#onStrayHeaders(id),
      isIdle: (id: number) => id % 2 === 0 || id >= this.#nextStreamId,
      settingsChanged: () => this.#onSettings(),
      goaway: (goaway: Goaway) => this.#onGoaway(goaway),
      streamRemoved: (id: number) => this.#onStreamRemoved(id),
      lastPeerStreamId: () => 0,
      ended: (error: ConnectionError | undefined) => this.#onEnded(error),
    };
    this.#session = new Session(socket, role, limits);
    this.#host = {
      maxMessageBytes: limits.maxMessageBytes,
      abort: (stream, code) => this.#session.abort(stream, code),
      release: (stream, bytes) => this.#session.release(stream, bytes),
    };
    this.#session.writer.append(CLIENT_PREFACE);
    this.#session.greet();
    socket.once("close", () => this.#closed.resolve());
  }

  /** Resolves with the peer's first SETTINGS; rejects with ConnectionError when the connection ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** False once closed, told to go away, or out of stream ids: new calls end as `not-processed`. */
  get usable(): boolean {
    return !this.#draining && !this.#session.ended;
  }

  /** For whoever owns the socket: bytes from the peer. */
  receive(bytes: Buffer, start: number, end: number): void {
    this.#session.receive(bytes, start, end);
  }

  /** Encodes a request for this connection's authority; it may be sent any number of times. */
  prepare(request: UnaryRequest): PreparedRequest {
    return prepare({ authority: this.#authority, scheme: this.#scheme, ...request });
  }

  /**
   * Sends a request. `onDone` runs once, never before this returns. `keepMessage`: the result carries the
   * response's message, else it is only counted. Never throws.
   */
  unary(prepared: PreparedRequest, onDone: UnaryDone, keepMessage = false): CallId {
    const call = new UnaryCall(this.#host, onDone, keepMessage);
    if (this.#mayStart()) return this.#startUnary(call, prepared);
    return this.#enqueue(call, () => this.#startUnary(call, prepared));
  }

  /**
   * `unary` as a promise, message kept; `signal` cancels it. Never rejects for what the network or server do:
   * see `failure`.
   */
  call(request: UnaryRequest, signal?: AbortSignal): Promise<CallResult> {
    const { promise, resolve } = Promise.withResolvers<CallResult>();
    const done = (result: UnaryResult) =>
      resolve({
        ...result,
        headerMetadata: decodeMetadata(result.headers),
        trailerMetadata: decodeMetadata(result.trailers),
      });
    const id = this.unary(this.prepare(request), done, true);
    if (signal !== undefined) this.#cancelOn(signal, id, promise);
    return promise;
  }

  /**
   * Opens a stream of any kind, at once or when the peer allows one more; `signal` cancels it, waiting or open.
   * Failures are in its outcome.
   */
  open(head: RequestHead, signal?: AbortSignal): Promise<WireStream> {
    const block = encodeRequestHead({ authority: this.#authority, scheme: this.#scheme, ...head });
    const call = new StreamingCall(this.#host);
    const { promise, resolve } = Promise.withResolvers<WireStream>();
    const start = () => {
      const stream = this.#begin(call);
      writeHeaders(this.#session, stream.id, block);
      call.attach(
        stream,
        (to, body) => new Promise((sent) => this.#session.sender.send(to, body, false, sent)),
        (to) => this.#session.sender.end(to),
      );
      resolve(call);
      return stream.id;
    };
    const id = this.#mayStart() ? start() : this.#enqueue(call, start);
    void call.outcome.then(() => resolve(call));
    if (signal !== undefined) this.#cancelOn(signal, id, call.outcome);
    return promise;
  }

  /** Ends a call as `cancelled`, with RST_STREAM CANCEL if it had a stream. Nothing happens if it is over. */
  cancel(id: CallId): void {
    if (this.#queue.abandon(id, "cancelled")) return;
    const stream = this.#session.streams.get(this.#queue.streamId(id));
    if (stream !== undefined) this.#session.abandon(stream, "cancelled");
  }

  stats(): ConnectionStats {
    const { writer, sender, bytesReceived, framesReceived, blocks, streams } = this.#session;
    return {
      bytesSent: writer.bytesSent,
      bytesReceived,
      socketWrites: writer.writes,
      framesReceived,
      dataFramesSent: sender.framesSent,
      headerBlocksFromCache: blocks.hits,
      openStreams: streams.size,
      queuedCalls: this.#queue.size,
      maxConcurrentStreams: this.#maxStreams,
    };
  }

  /** Ends open and waiting calls as `closed`, says GOAWAY, and resolves when the socket is closed. */
  close(): Promise<void> {
    if (!this.#session.ended) {
      this.#draining = true;
      this.#queue.abandonAll("closed");
      for (const stream of [...this.#session.streams.values()]) this.#session.abandon(stream, "closed");
      this.#session.end(undefined);
    }
    return this.#closed.promise;
  }

  #cancelOn(signal: AbortSignal, id: CallId, over: Promise<unknown>): void {
    const cancel = () => this.cancel(id);
    signal.addEventListener("abort", cancel, { once: true });
    void over.then(() => signal.removeEventListener("abort", cancel));
    if (signal.aborted) cancel();
  }

  #mayStart(): boolean {
    return this.usable && this.#queue.size === 0 && this.#session.streams.size < this.#maxStreams;
  }

  #enqueue(call: StreamSink<ResponseHead>, start: () => number): CallId {
    const waiting = { start, abandoned: call.abandoned.bind(call) };
    return this.#queue.add(waiting, this.usable ? undefined : "not-processed");
  }

  #startUnary(call: UnaryCall, prepared: PreparedRequest): number {
    const stream = this.#begin(call);
    call.stream = stream;
    writeUnary(this.#session, stream, prepared);
    return stream.id;
  }

  #begin(call: StreamSink<ResponseHead>): Stream<ResponseHead> {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const stream = this.#session.begin(id, call);
    if (this.#nextStreamId > LARGEST_STREAM_ID) this.#drain();
    return stream;
  }

  /** No new calls; the connection ends with its last one. */
  #drain(): void {
    this.#draining = true;
    this.#queue.abandonAll("not-processed");
    this.#endIfDrained();
  }

  #endIfDrained(): void {
    if (!this.#draining || this.#session.streams.size > 0) return;
    // Later: the last stream's call may be just about to hear its end.
    queueMicrotask(() => this.#session.end(undefined));
  }

  #startWaiting(): void {
    while (this.#queue.size > 0 && this.usable && this.#session.streams.size < this.#maxStreams) {
      this.#queue.startNext();
    }
  }

  #onSettings(): void {
    this.#maxStreams = Math.min(this.#limits.maxConcurrentStreams, this.#session.peer.maxConcurrentStreams);
    this.#ready.resolve();
    this.#startWaiting();
  }

  #onStreamRemoved(streamId: number): void {
    this.#queue.forget(streamId);
    if (this.#queue.size > 0) this.#startWaiting();
    if (this.#draining) this.#endIfDrained();
  }

  #onStrayHeaders(streamId: number): void {
    if (streamId % 2 === 0 || streamId >= this.#nextStreamId) {
      throw violation(ErrorCode.PROTOCOL_ERROR, `HEADERS on stream ${streamId}, which was never begun`);
    }
    // A stream given up by us: its header block was decoded, for the table's sake, and says nothing more.
  }

  #onGoaway({ lastStreamId, code, debug }: Goaway): void {
    if (lastStreamId > this.#lastAnswered) {
      throw violation(ErrorCode.PROTOCOL_ERROR, `GOAWAY raised its last stream to ${lastStreamId}`);
    }
    this.#lastAnswered = lastStreamId;
    if (code !== ErrorCode.NO_ERROR) {
      this.#refusal = new ConnectionError(
        "peer-refused",
        code,
        `the peer went away: ${JSON.stringify(debug)}`,
      );
    }
    this.#draining = true;
    for (const stream of [...this.#session.streams.values()]) {
      if (stream.id > lastStreamId) this.#session.forget(stream);
    }
    this.#drain();
  }

  #onEnded(error: ConnectionError | undefined): void {
    const reason = this.#refusal ?? error;
    this.#queue.abandonAll("not-processed");
    this.#ready.reject(
      reason ?? new ConnectionError("socket", ErrorCode.NO_ERROR, "closed before it was ready"),
    );
    this.onClose?.(reason);
  }
}
