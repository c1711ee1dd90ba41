/**
 * A call with streams in either direction, as the sink of its stream. Sending waits for the peer's window;
 * what is received waits in a queue no larger than our own window and one message: the window opens again
 * only as messages are taken out.
 */
import { type CallFailure, type LocalEnd, statusOfLocalEnd } from "./call-failure.ts";
import { ErrorCode } from "./frames.ts";
import { encodeMessage, MessageReader, PREFIX_BYTES, type ReceivedMessage } from "./grpc-message.ts";
import { GrpcStatus } from "./grpc-status.ts";
import type { HeaderField } from "./hpack/static-table.ts";
import { endByReset, judgeHead } from "./response-faults.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Stream, StreamSink } from "./stream.ts";
import type { CallHost } from "./unary-call.ts";
import type { ConnectionError } from "./wire-error.ts";

export interface StreamOutcome {
  readonly grpcStatus: number;
  readonly grpcMessage: string | undefined;
  readonly failure: CallFailure | undefined;
  readonly encoding: string | undefined;
  readonly wireBytesReceived: number;
  readonly headers: readonly HeaderField[];
  readonly trailers: readonly HeaderField[];
}

export interface WireStream {
  /**
   * Resolves when the whole message was handed on within the peer's windows: true, or false when the call
   * ended first. One at a time: a second send before that, or one after `end`, throws.
   * `compressed`: the message was compressed already, by the request's `encoding`.
   */
  send(message: Uint8Array, compressed?: boolean): Promise<boolean>;
  /** Half-closes, after a send on its way. */
  end(): void;
  /** RST_STREAM CANCEL; the outcome is CANCELLED, unless the call is over. */
  cancel(): void;
  /**
   * To be iterated once; ends with the stream, well or badly: `outcome` says which. Leaving the loop early
   * cancels the call.
   */
  readonly messages: AsyncIterable<ReceivedMessage>;
  /** Never rejects. */
  readonly outcome: Promise<StreamOutcome>;
}

export class StreamingCall implements StreamSink<ResponseHead>, WireStream {
  readonly outcome: Promise<StreamOutcome>;
  readonly messages: AsyncIterable<ReceivedMessage>;
  readonly #host: CallHost;
  readonly #reader: MessageReader;
  readonly #queue: ReceivedMessage[] = [];
  readonly #settle: (outcome: StreamOutcome) => void;
  #send: ((stream: Stream<ResponseHead>, body: Buffer) => Promise<boolean>) | undefined = undefined;
  #halfClose: ((stream: Stream<ResponseHead>) => void) | undefined = undefined;
  #stream: Stream<ResponseHead> | undefined = undefined;
  #head: ResponseHead | undefined = undefined;
  #held = 0;
  #sending = false;
  #halfClosed = false;
  #ended = false;
  #wireBytes = 0;
  #wake: (() => void) | undefined = undefined;

  constructor(host: CallHost) {
    this.#host = host;
    this.#reader = new MessageReader(host.maxMessageBytes, true, (message) => this.#queue.push(message));
    const { promise, resolve } = Promise.withResolvers<StreamOutcome>();
    this.outcome = promise;
    this.#settle = resolve;
    this.messages = this.#receive();
  }

  /** Gives the call its stream and the ways to write to it; before this nothing may be sent. */
  attach(
    stream: Stream<ResponseHead>,
    send: (stream: Stream<ResponseHead>, body: Buffer) => Promise<boolean>,
    halfClose: (stream: Stream<ResponseHead>) => void,
  ): void {
    this.#stream = stream;
    this.#send = send;
    this.#halfClose = halfClose;
  }

  async send(message: Uint8Array, compressed = false): Promise<boolean> {
    if (this.#sending) throw new Error("a send is still on its way");
    if (this.#halfClosed) throw new Error("send after end");
    if (this.#ended || this.#stream === undefined || this.#send === undefined) return false;
    this.#sending = true;
    try {
      return await this.#send(this.#stream, encodeMessage(message, compressed));
    } finally {
      this.#sending = false;
    }
  }

  end(): void {
    if (this.#halfClosed || this.#ended || this.#stream === undefined) return;
    this.#halfClosed = true;
    this.#halfClose?.(this.#stream);
  }

  cancel(): void {
    this.#abandon("cancelled", GrpcStatus.CANCELLED, "cancelled");
  }

  headers(head: ResponseHead, endStream: boolean, wireBytes: number): void {
    this.#wireBytes += wireBytes;
    const verdict = judgeHead(head, this.#head, endStream);
    if (verdict === "skip") return;
    if (verdict !== undefined) this.#abandon(verdict.failure, verdict.grpcStatus, verdict.grpcMessage);
    else if (endStream) this.#conclude(head);
    else this.#head = head;
  }

  data(bytes: Buffer, start: number, end: number, endStream: boolean, wireBytes: number): number {
    this.#wireBytes += wireBytes;
    if (this.#ended) return 0;
    if (this.#head === undefined) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "DATA before HEADERS");
      return 0;
    }
    const fault = this.#reader.push(bytes, start, end);
    if (fault === "message-too-large") {
      this.#abandon(fault, GrpcStatus.RESOURCE_EXHAUSTED, `message over ${this.#host.maxMessageBytes} bytes`);
    } else if (fault !== undefined) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "compressed flag is neither 0 nor 1");
    } else if (endStream) {
      this.#abandon("malformed-response", GrpcStatus.UNKNOWN, "response ended without trailers");
    }
    this.#notify();
    // With nothing to take out, an unfinished message must be let through or it could never be finished.
    if (this.#queue.length === 0) return 0;
    this.#held += end - start;
    return end - start;
  }

  reset(code: number, ours: boolean): void {
    const { failure, grpcStatus, grpcMessage } = endByReset(code, ours);
    this.#end(grpcStatus, grpcMessage, failure, undefined);
  }

  failed(error: ConnectionError): void {
    this.#end(GrpcStatus.UNAVAILABLE, error.message, "connection-lost", undefined);
  }

  abandoned(why: LocalEnd): void {
    this.#end(statusOfLocalEnd(why), why, why, undefined);
  }

  async *#receive(): AsyncGenerator<ReceivedMessage, void, undefined> {
    try {
      for (;;) {
        const message = this.#queue.shift();
        if (message !== undefined) {
          this.#release(message);
          yield message;
        } else if (this.#ended) {
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        }
      }
    } finally {
      this.cancel();
    }
  }

  #release(message: ReceivedMessage): void {
    const all = this.#queue.length === 0;
    const bytes = all ? this.#held : Math.min(this.#held, message.length + PREFIX_BYTES);
    this.#held -= bytes;
    if (bytes > 0 && this.#stream !== undefined) this.#host.release(this.#stream, bytes);
  }

  #conclude(trailers: ResponseHead): void {
    if (trailers.grpcStatus < 0) {
      this.#abandon("malformed-response", GrpcStatus.UNKNOWN, "trailers without grpc-status");
    } else if (trailers.grpcStatus === GrpcStatus.OK && !this.#reader.idle) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "status OK inside a message");
    } else {
      if (this.#stream !== undefined) this.#host.abort(this.#stream, ErrorCode.CANCEL);
      this.#end(trailers.grpcStatus, trailers.grpcMessage, undefined, trailers);
    }
  }

  #abandon(failure: CallFailure, grpcStatus: number, grpcMessage: string): void {
    if (this.#ended) return;
    if (this.#stream !== undefined) this.#host.abort(this.#stream, ErrorCode.CANCEL);
    this.#end(grpcStatus, grpcMessage, failure, undefined);
  }

  #end(
    grpcStatus: number,
    grpcMessage: string | undefined,
    failure: CallFailure | undefined,
    trailers: ResponseHead | undefined,
  ): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#settle({
      grpcStatus,
      grpcMessage,
      failure,
      encoding: this.#head?.encoding,
      wireBytesReceived: this.#wireBytes,
      headers: this.#head?.fields ?? [],
      trailers: trailers?.fields ?? [],
    });
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
