// A call as grpc-js's server sees it, taken over before its own handlers: at this level the four kinds of calls are one: read, message, half-close,
// cancel; send, status. So a call costs no stream object, and a response's status is queued right behind its message instead of after its write callback.
import { Metadata, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import { Call, type CallEnvironment } from "./call.ts";
import type { ConnectionLimits } from "./connection-limits.ts";
import { dispatch, type Sink } from "./dispatch.ts";
import type { Decompressed, Decompression } from "./grpc-js-decompression.ts";
import { asFrame } from "./grpc-js-frame.ts";
import { endsInsideMessage, isClosed, resetStream } from "./grpc-js-internals.ts";
import { GrpcJsMetadata } from "./grpc-js-metadata.ts";
import { PassingCall, peerOf } from "./grpc-js-passing-call.ts";
import {
  type PartialStatusObject,
  readerTooSlow,
  refusedByTransport,
  SUCCESS,
  toGrpcJsStatus,
  tooLarge,
  truncated,
  wrongCount,
} from "./grpc-js-status.ts";
import type { BoundMethod } from "./handler.ts";
import type { Message } from "./message.ts";
import { RequestStream } from "./request-stream.ts";
import type { RpcError } from "./rpc-error.ts";
import { Code, OK, type Status } from "./status.ts";
import type { Reader, UnsentResponses } from "./unsent-responses.ts";
import type { WaitingRequests } from "./waiting-requests.ts";

export interface TransportOptions {
  readonly methods: ReadonlyMap<string, BoundMethod>;
  readonly environment: CallEnvironment;
  /** Told of every call at its start; the call tells of its end itself. */
  readonly onCall: (call: Call) => void;
  /** Largest message accepted, after decompression, and sent, as it is on the wire. */
  readonly maxMessageBytes: number;
  readonly connections: ConnectionLimits;
  readonly waitingRequests: WaitingRequests;
  readonly unsentResponses: UnsentResponses;
}

/** A type of grpc-js that it does not export by name. */
type InterceptingListener = Parameters<ServerInterceptingCallInterface["start"]>[0];

export class GrpcJsCall extends PassingCall implements InterceptingListener, Sink, Decompressed, Reader {
  readonly #transport: ServerInterceptingCallInterface;
  readonly #bound: BoundMethod;
  readonly #options: TransportOptions;
  readonly #decompression: Decompression;
  #call: Call | undefined = undefined;
  #requests: RequestStream | undefined = undefined;
  #request: Uint8Array | undefined = undefined;
  #headersSent = false;
  /** The caller's timeout is one that grpc-js cannot count, and neither its deadline nor its timer means anything. */
  #uncountable = false;
  /** Messages are held from their decompression on; else a single request is from its arrival on. */
  #mayBeCompressed = false;
  #heldBytes = 0;
  unsentBytes = 0;
  sentMessages = 0;
  /** Nothing that is still unsent will leave. */
  #readerGone = false;

  constructor(
    transport: ServerInterceptingCallInterface,
    bound: BoundMethod,
    options: TransportOptions,
    decompression: Decompression,
  ) {
    super(transport);
    this.#transport = transport;
    this.#bound = bound;
    this.#options = options;
    this.#decompression = decompression;
    // grpc-js ends some calls by itself, through its own method: that too is an end of our call, to be recorded and to carry details.
    transport.sendStatus = (status) => this.#endedByTransport(status);
  }

  /** Called by grpc-js; its own listener, which would lead to its own handler, is left out. */
  override start(): void {
    this.#transport.start(this);
  }

  onReceiveMetadata(metadata: Metadata): void {
    const { method } = this.#bound;
    const deadline = Number(this.#transport.getDeadline());
    this.#uncountable = deadline < this.#options.environment.clock.now() - COUNTABLE_MS;
    const call = new Call(
      method,
      new GrpcJsMetadata(metadata),
      peerOf(this.#transport),
      this.#uncountable ? Number.POSITIVE_INFINITY : deadline,
      this.#options.environment,
    );
    this.#call = call;
    this.#mayBeCompressed = this.#decompression.takeOver(this.#transport, this);
    // First of all listeners: the caller gets its status before anyone observes it.
    call.onFinish((_, status) => this.#end(status));
    call.awaitsRequest = !method.requestStream;
    call.onBegin = (resumeToken) => this.#sendHeaders(resumeToken);
    this.#options.onCall(call);
    if (!method.requestStream) {
      this.#transport.startRead();
      return;
    }
    this.#requests = new RequestStream(call, () => this.#transport.startRead());
    dispatch(this.#bound.handler, call, this.#requests, this);
  }

  onReceiveMessage(message: Uint8Array): void {
    if (this.#requests !== undefined) {
      if (this.#mayBeCompressed) this.#release(message.byteLength);
      this.#requests.push(message);
    } else if (this.#request === undefined) {
      this.#request = message;
      if (!this.#mayBeCompressed) this.#holdRequest(message.byteLength);
      this.#transport.startRead();
    } else {
      this.#call?.fail(wrongCount(this.#bound.method, "more than one"));
    }
  }

  onReceiveHalfClose(): void {
    const call = this.#call;
    if (call === undefined) return;
    if (isClosed(this.#transport)) {
      call.abandon();
    } else if (endsInsideMessage(this.#transport)) {
      call.fail(truncated());
    } else if (this.#requests !== undefined) {
      this.#endRequests(call, this.#requests);
    } else if (this.#request === undefined) {
      call.fail(wrongCount(this.#bound.method, "no"));
    } else if (!call.finished) {
      call.awaitsRequest = false;
      this.#release(this.#heldBytes);
      call.receivedBytes = this.#request.byteLength;
      dispatch(this.#bound.handler, call, this.#request, this);
    }
  }

  /**
   * Half an import should not pass for a whole one: Node's client ends a stream and resets it in the next write, so the reset gets two turns
   * of the event loop to come. On a slow network it may still be late; then it cancels a handler that believes it has read everything.
   */
  #endRequests(call: Call, requests: RequestStream): void {
    setImmediate(() =>
      setImmediate(() => {
        if (isClosed(this.#transport)) call.abandon();
        else requests.end();
      }),
    );
  }

  /** Also called after every call that has ended, where it has no effect. */
  onCancel(): void {
    this.#forgetUnsent();
    this.#call?.abandon();
  }

  get finished(): boolean {
    return this.#call?.finished ?? false;
  }

  fail(error: RpcError): void {
    this.#call?.fail(error);
  }

  hold(bytes: number): void {
    this.#options.waitingRequests.take(bytes);
    this.#heldBytes += bytes;
  }

  #holdRequest(bytes: number): void {
    try {
      this.hold(bytes);
    } catch (error) {
      this.#call?.fail(error);
    }
  }

  #release(bytes: number): void {
    // What was decompressed after the end of its call was never held.
    const held = Math.min(bytes, this.#heldBytes);
    this.#heldBytes -= held;
    this.#options.waitingRequests.release(held);
  }

  send(message: Message, sent: () => void): void {
    if (message.byteLength > this.#options.maxMessageBytes) {
      this.#call?.fail(tooLarge(`a response message has ${message.byteLength} bytes`));
      return;
    }
    this.#sendHeaders();
    const bytes = message.byteLength;
    const { unsentResponses } = this.#options;
    if (!this.#readerGone) {
      this.unsentBytes += bytes;
      unsentResponses.add(this, bytes);
    }
    this.#transport.sendMessage(asFrame(message), () => {
      if (this.#readerGone) return;
      this.sentMessages += 1;
      this.unsentBytes -= bytes;
      unsentResponses.sent(bytes);
      if (this.unsentBytes === 0) unsentResponses.remove(this);
      sent();
    });
  }

  #forgetUnsent(): void {
    this.#readerGone = true;
    this.#options.unsentResponses.remove(this);
    this.unsentBytes = 0;
  }

  /** A reader that does not read: its status would wait behind its messages, so the stream is reset. */
  cut(): void {
    this.#readerGone = true;
    this.unsentBytes = 0;
    this.#call?.fail(readerTooSlow());
    resetStream(this.#transport);
  }

  #sendHeaders(resumeToken?: string): void {
    if (this.#headersSent || this.#call?.finished === true) return;
    this.#headersSent = true;
    const encoding = this.#call?.responseEncoding;
    if (encoding === undefined && resumeToken === undefined) return;
    const headers = new Metadata();
    if (encoding !== undefined) headers.set("grpc-encoding", encoding);
    if (resumeToken !== undefined) headers.set(RESUME_TOKEN, resumeToken);
    this.#transport.sendMetadata(headers);
  }

  #end(status: Status): void {
    this.#release(this.#heldBytes);
    this.sendStatus(status === OK ? SUCCESS : this.#toWire(status));
  }

  /** Whatever cannot be sent is left out: a caller that never hears of the end is worse than one without details. */
  #toWire(status: Status): PartialStatusObject {
    try {
      return toGrpcJsStatus(status);
    } catch (error) {
      this.#call?.log.error({ err: error }, "the details of a status cannot be sent");
      return { code: status.code, details: status.message.toWellFormed(), metadata: null };
    }
  }

  /** A message over the limit, a malformed timeout, its own deadline timer, a failed write. */
  #endedByTransport(status: PartialStatusObject): void {
    const call = this.#call;
    const timeOut = status.code === Code.DEADLINE_EXCEEDED;
    if (timeOut && this.#uncountable) return;
    if (call === undefined || call.finished) this.sendStatus(status);
    else if (timeOut) call.expire();
    else if (status.details === WRITE_FAILED) call.abandon();
    else if (status.code === Code.RESOURCE_EXHAUSTED) call.fail(tooLarge(status.details ?? ""));
    else call.fail(refusedByTransport(status));
  }
}

/**
 * grpc-js counts a timeout in 32 bits of milliseconds: one of more than 24 days may come out as a deadline long before the call, which no
 * caller can have stated. A real one lies at most this far back when the call starts.
 */
const COUNTABLE_MS = 1_000;

/** Initial metadata of a stream that can be resumed: where it begins. */
const RESUME_TOKEN = "resume-token";

/** What grpc-js says when a write fails, which it only does when the stream is gone. */
const WRITE_FAILED = "Internal server error";
