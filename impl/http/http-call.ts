// One call that came over HTTP: its body is read, bound to a message and dispatched down the same chain as gRPC's, and what comes back is
// written as JSON. The caller's disconnect cancels it; a reader that does not read is cut.
import type { IncomingMessage, ServerResponse } from "node:http";
import { fromBinary, type JsonValue, type Registry, toJson } from "@bufbuild/protobuf";
import type { Call } from "#impl/runtime/call.ts";
import { dispatch, type Sink } from "#impl/runtime/dispatch.ts";
import { readerTooSlow, tooLarge } from "#impl/runtime/grpc-js-status.ts";
import type { BoundMethod } from "#impl/runtime/handler.ts";
import { httpStatus } from "#impl/runtime/http-code.ts";
import { CompressedMessage, type Message } from "#impl/runtime/message.ts";
import { Code, type Status } from "#impl/runtime/status.ts";
import type { Reader, UnsentResponses } from "#impl/runtime/unsent-responses.ts";
import type { WaitingRequests } from "#impl/runtime/waiting-requests.ts";
import { bindRequest } from "./bind-request.ts";
import { bodyTooLarge, type HttpError } from "./http-errors.ts";
import { retryDelayMs, statusJson } from "./http-status.ts";
import type { ResponseFormat } from "./response-format.ts";

/** What all calls of the port share. */
export interface HttpCallEnvironment {
  readonly registry: Registry;
  readonly maxMessageBytes: number;
  readonly waitingRequests: WaitingRequests;
  readonly unsentResponses: UnsentResponses;
}

export interface HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly format: ResponseFormat;
  /** Of the route's template. */
  readonly body: string;
  readonly pathValues: ReadonlyMap<string, string>;
  readonly query: string;
  readonly resumeToken: string | undefined;
}

/** A tag that no message begins with: the chain refuses it as it does any malformed request, and so limits, counts and logs it. */
const MALFORMED = Uint8Array.of(0x07);

/** When a stream that has said nothing yet is opened, so that its caller knows that it is there. */
const OPEN_AFTER_MS = 250;
/** Proxies close what is silent for a minute or less. */
const KEEP_ALIVE_MS = 15_000;

export class HttpCall implements Sink, Reader {
  readonly #call: Call;
  readonly #bound: BoundMethod;
  readonly #exchange: HttpExchange;
  readonly #environment: HttpCallEnvironment;
  readonly #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  /** Why the request is no message of its type. */
  #bindError: unknown = undefined;
  /** Says more than its gRPC status does. */
  #httpError: HttpError | undefined = undefined;
  /** The one message of a response that is no stream. */
  #reply = "";
  #cancelKeepAlive: (() => void) | undefined = undefined;
  #readerGone = false;
  unsentBytes = 0;
  sentMessages = 0;

  constructor(call: Call, bound: BoundMethod, exchange: HttpExchange, environment: HttpCallEnvironment) {
    this.#call = call;
    this.#bound = bound;
    this.#exchange = exchange;
    this.#environment = environment;
  }

  start(): void {
    const { request, response } = this.#exchange;
    // First of all listeners: the caller gets its status before anyone observes it.
    this.#call.onFinish((_, status) => this.#end(status));
    response.on("close", () => {
      this.#forgetUnsent();
      this.#call.abandon();
    });
    response.on("error", () => {});
    request.on("error", () => {});
    request.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    request.on("end", () => this.#received());
  }

  #receive(chunk: Uint8Array): void {
    if (this.#call.finished) return;
    if (this.#heldBytes + chunk.byteLength > this.#environment.maxMessageBytes) {
      this.#refuse(bodyTooLarge(this.#environment.maxMessageBytes));
      return;
    }
    try {
      this.#environment.waitingRequests.take(chunk.byteLength);
      this.#heldBytes += chunk.byteLength;
      this.#chunks.push(chunk);
    } catch (error) {
      this.#call.fail(error);
    }
  }

  #received(): void {
    if (this.#call.finished) return;
    this.#call.awaitsRequest = false;
    this.#call.receivedBytes = this.#heldBytes;
    const input = this.#bind(Buffer.concat(this.#chunks));
    this.#release();
    if (this.#bound.method.responseStream) this.#keepAlive(OPEN_AFTER_MS);
    dispatch(this.#bound.handler, this.#call, input, this);
  }

  #bind(body: Uint8Array): Uint8Array {
    try {
      const binding = {
        input: this.#bound.method.input,
        body: this.#exchange.body,
        registry: this.#environment.registry,
      };
      return bindRequest(binding, { ...this.#exchange, body });
    } catch (error) {
      this.#bindError = error;
      return MALFORMED;
    }
  }

  #refuse(refusal: HttpError): void {
    this.#httpError = refusal;
    this.#call.fail(refusal.error);
  }

  #release(): void {
    this.#environment.waitingRequests.release(this.#heldBytes);
    this.#heldBytes = 0;
    this.#chunks.length = 0;
  }

  send(message: Message, sent: () => void): void {
    if (message.byteLength > this.#environment.maxMessageBytes) {
      this.#call.fail(tooLarge(`a response message has ${message.byteLength} bytes`));
      return;
    }
    const text = this.#exchange.format.message(this.#toJson(message));
    if (this.#bound.method.responseStream) {
      this.#open();
      this.#write(text, sent);
    } else {
      this.#reply = text;
      sent();
    }
  }

  #toJson(message: Message): JsonValue {
    // Callers over HTTP cannot ask for them.
    if (message instanceof CompressedMessage) throw new Error("a compressed message has no JSON");
    const { registry } = this.#environment;
    return toJson(this.#bound.method.output, fromBinary(this.#bound.method.output, message), { registry });
  }

  /** The head of a stream. */
  #open(): void {
    const { response, format } = this.#exchange;
    if (response.headersSent) return;
    response.writeHead(200, {
      "content-type": format.contentType,
      "cache-control": "no-store",
      // Of reverse proxies: pass on each message as it comes.
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
  }

  #keepAlive(delayMs: number): void {
    this.#cancelKeepAlive = this.#call.environment.clock.after(delayMs, () => {
      this.#open();
      const { response, format } = this.#exchange;
      if (format.keepAlive !== "" && response.writableLength === 0) response.write(format.keepAlive);
      this.#keepAlive(KEEP_ALIVE_MS);
    });
  }

  #write(text: string, sent: () => void): void {
    this.#exchange.response.write(text, this.#expect(text, sent));
  }

  /** Counts what is on its way; the result is to be called when it has left. */
  #expect(text: string, sent: () => void): () => void {
    const bytes = Buffer.byteLength(text);
    const { unsentResponses } = this.#environment;
    if (!this.#readerGone) {
      this.unsentBytes += bytes;
      unsentResponses.add(this, bytes);
    }
    return () => {
      if (this.#readerGone) return;
      this.sentMessages += 1;
      this.unsentBytes -= bytes;
      unsentResponses.sent(bytes);
      if (this.unsentBytes === 0) unsentResponses.remove(this);
      sent();
    };
  }

  #forgetUnsent(): void {
    this.#readerGone = true;
    this.#environment.unsentResponses.remove(this);
    this.unsentBytes = 0;
  }

  cut(): void {
    this.#readerGone = true;
    this.unsentBytes = 0;
    this.#call.fail(readerTooSlow());
    this.#exchange.response.destroy();
  }

  #end(status: Status): void {
    this.#cancelKeepAlive?.();
    this.#release();
    const { response } = this.#exchange;
    if (this.#readerGone || response.destroyed) return;
    const told = this.#told(status);
    if (response.headersSent) this.#endStream(told);
    else if (told.code !== Code.OK) this.#endWithError(told);
    else if (this.#bound.method.responseStream) {
      this.#open();
      this.#endStream(told);
    } else this.#finish(200, this.#reply);
  }

  /** What the caller is told: of a request that is no message, why. */
  #told(status: Status): Status {
    const malformed = this.#bindError !== undefined && status.code === Code.INVALID_ARGUMENT;
    return malformed ? this.#call.environment.boundary(this.#bindError) : status;
  }

  #endStream(status: Status): void {
    const text = this.#exchange.format.end({
      ok: status.code === Code.OK,
      status: statusJson(status, this.#environment.registry),
      resumeToken: status.trailers.find(([key]) => key === "resume-token")?.[1],
      retryMs: retryDelayMs(status),
    });
    this.#exchange.response.end(
      text,
      this.#expect(text, () => {}),
    );
  }

  #endWithError(status: Status): void {
    const { request, response } = this.#exchange;
    const retryMs = retryDelayMs(status);
    if (retryMs !== undefined) response.setHeader("retry-after", Math.max(1, Math.ceil(retryMs / 1_000)));
    // What is left of the body is not read.
    if (!request.complete) response.setHeader("connection", "close");
    const late = this.#call.awaitsRequest && status.code === Code.DEADLINE_EXCEEDED;
    const code = this.#httpError?.status ?? (late ? 408 : httpStatus(status.code));
    this.#finish(code, `${JSON.stringify(statusJson(status, this.#environment.registry))}\n`);
  }

  #finish(code: number, body: string): void {
    const { response } = this.#exchange;
    response.writeHead(code, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(
      body,
      this.#expect(body, () => {}),
    );
  }
}
