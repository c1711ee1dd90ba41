/** A unary call as the sink of its stream. Counts messages; keeps the body only when asked. Ends exactly once. */
import { type CallFailure, type LocalEnd, statusOfLocalEnd } from "./call-failure.ts";
import { ErrorCode, uint32At } from "./frames.ts";
import { MessageReader, PREFIX_BYTES, type ReceivedMessage } from "./grpc-message.ts";
import { GrpcStatus } from "./grpc-status.ts";
import type { HeaderField } from "./hpack/static-table.ts";
import { endByReset, judgeHead } from "./response-faults.ts";
import type { ResponseHead } from "./response-head.ts";
import type { Stream, StreamSink } from "./stream.ts";
import type { ConnectionError } from "./wire-error.ts";

export interface UnaryResult {
  /** The server's, or the one gRPC prescribes for the failure. */
  readonly grpcStatus: number;
  readonly grpcMessage: string | undefined;
  readonly failure: CallFailure | undefined;
  /** grpc-encoding of the response. */
  readonly encoding: string | undefined;
  /** The message had its compressed flag set. */
  readonly compressed: boolean;
  /** Length of the message as sent, without its prefix; 0 when none came. */
  readonly messageBytes: number;
  /** Frames received for the call, their headers included. */
  readonly wireBytesReceived: number;
  /** The message as sent (so perhaps compressed), when the caller asked to keep it. */
  readonly message: Buffer | undefined;
  readonly headers: readonly HeaderField[];
  readonly trailers: readonly HeaderField[];
}

export type UnaryDone = (result: UnaryResult) => void;

/** What a call needs of its connection. */
export interface CallHost {
  readonly maxMessageBytes: number;
  /** RST_STREAM, unless the stream is over; its sink is told nothing. */
  abort(stream: Stream<ResponseHead>, code: number): void;
  /** Gives back what a sink held on to. */
  release(stream: Stream<ResponseHead>, bytes: number): void;
}

const NO_FIELDS: readonly HeaderField[] = Object.freeze([]);

export class UnaryCall implements StreamSink<ResponseHead> {
  stream: Stream<ResponseHead> | undefined = undefined;
  readonly #host: CallHost;
  readonly #onDone: UnaryDone;
  readonly #keep: boolean;
  #ended = false;
  #head: ResponseHead | undefined = undefined;
  #trailers: ResponseHead | undefined = undefined;
  #reader: MessageReader | undefined = undefined;
  #messages = 0;
  #messageBytes = 0;
  #compressed = false;
  #message: Buffer | undefined = undefined;
  #wireBytes = 0;

  constructor(host: CallHost, onDone: UnaryDone, keep: boolean) {
    this.#host = host;
    this.#onDone = onDone;
    this.#keep = keep;
  }

  headers(head: ResponseHead, endStream: boolean, wireBytes: number): void {
    this.#wireBytes += wireBytes;
    const verdict = judgeHead(head, this.#head, endStream);
    if (verdict === "skip") return;
    if (verdict !== undefined) {
      this.#abandon(verdict.failure, verdict.grpcStatus, verdict.grpcMessage);
      return;
    }
    if (!endStream) {
      this.#head = head;
      return;
    }
    this.#trailers = head;
    this.#conclude(head);
  }

  data(bytes: Buffer, start: number, end: number, endStream: boolean, wireBytes: number): number {
    this.#wireBytes += wireBytes;
    if (this.#ended) return 0;
    if (this.#head === undefined) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "DATA before HEADERS");
      return 0;
    }
    if (end > start) this.#read(bytes, start, end);
    if (endStream) this.#abandon("malformed-response", GrpcStatus.UNKNOWN, "response ended without trailers");
    return 0;
  }

  reset(code: number, ours: boolean): void {
    const { failure, grpcStatus, grpcMessage } = endByReset(code, ours);
    this.#end(grpcStatus, grpcMessage, failure);
  }

  failed(error: ConnectionError): void {
    this.#end(GrpcStatus.UNAVAILABLE, error.message, "connection-lost");
  }

  abandoned(why: LocalEnd): void {
    this.#end(statusOfLocalEnd(why), why, why);
  }

  #read(bytes: Buffer, start: number, end: number): void {
    const whole = this.#reader === undefined && !this.#keep && end - start >= PREFIX_BYTES;
    if (whole && (bytes[start] ?? 0) <= 1 && uint32At(bytes, start + 1) === end - start - PREFIX_BYTES) {
      // The usual case: one DATA frame, one message, nobody wants its bytes. Never larger than a frame.
      const length = end - start - PREFIX_BYTES;
      if (length <= this.#host.maxMessageBytes) {
        this.#count(length, bytes[start] === 1, undefined);
        return;
      }
    }
    this.#reader ??= new MessageReader(this.#host.maxMessageBytes, this.#keep, (message) =>
      this.#onMessage(message),
    );
    const fault = this.#reader.push(bytes, start, end);
    if (fault === "message-too-large") {
      this.#abandon(fault, GrpcStatus.RESOURCE_EXHAUSTED, `message over ${this.#host.maxMessageBytes} bytes`);
    } else if (fault !== undefined) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "compressed flag is neither 0 nor 1");
    }
  }

  #onMessage(message: ReceivedMessage): void {
    this.#count(message.length, message.compressed, message.bytes);
  }

  #count(length: number, compressed: boolean, bytes: Buffer | undefined): void {
    this.#messages++;
    this.#messageBytes = length;
    this.#compressed = compressed;
    this.#message = bytes;
    if (this.#messages > 1) this.#abandon("malformed-response", GrpcStatus.INTERNAL, "more than one message");
  }

  #conclude(trailers: ResponseHead): void {
    const cut = this.#reader !== undefined && !this.#reader.idle;
    if (trailers.grpcStatus < 0) {
      this.#abandon("malformed-response", GrpcStatus.UNKNOWN, "trailers without grpc-status");
    } else if (trailers.grpcStatus === GrpcStatus.OK && (cut || this.#messages === 0)) {
      this.#abandon("malformed-response", GrpcStatus.INTERNAL, "status OK without a whole message");
    } else {
      // Answered before all was sent: the rest is of no use to the server. No stream is left otherwise.
      if (this.stream !== undefined) this.#host.abort(this.stream, ErrorCode.CANCEL);
      this.#end(trailers.grpcStatus, trailers.grpcMessage, undefined);
    }
  }

  #abandon(failure: CallFailure, grpcStatus: number, grpcMessage: string): void {
    if (this.stream !== undefined) this.#host.abort(this.stream, ErrorCode.CANCEL);
    this.#end(grpcStatus, grpcMessage, failure);
  }

  #end(grpcStatus: number, grpcMessage: string | undefined, failure: CallFailure | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    const result: UnaryResult = {
      grpcStatus,
      grpcMessage,
      failure,
      encoding: this.#head?.encoding,
      compressed: this.#compressed,
      messageBytes: this.#messageBytes,
      wireBytesReceived: this.#wireBytes,
      message: this.#message,
      headers: this.#head?.fields ?? NO_FIELDS,
      trailers: this.#trailers?.fields ?? NO_FIELDS,
    };
    try {
      this.#onDone(result);
    } catch (thrown) {
      // The caller's mistake must surface, but not inside the frame parser, where it would end the connection.
      queueMicrotask(() => {
        throw thrown;
      });
    }
  }
}
