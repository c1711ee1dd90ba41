// One call from its headers to its status. Invariant: it finishes exactly once, and everything that waits on it is woken then.
// What costs something to make (signal, logger, deadline timer) is made when it is first needed.
import type { Message as RequestMessage } from "@bufbuild/protobuf";
import type { Span } from "@opentelemetry/api";
import type { ErrorBoundary } from "./boundary.ts";
import type { CancelTimer, Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import type { Encoding } from "./message.ts";
import type { Method } from "./method.ts";
import type { OriginalCaller, Principal } from "./principal.ts";
import { RpcError } from "./rpc-error.ts";
import { Code, type Status } from "./status.ts";

/** Request metadata. Keys are lower case; of a repeated key, the first value. */
export interface RequestMetadata {
  get(key: string): string | undefined;
}

/** In which a gateway says from where the call came that it forwards. */
export const FORWARDED_PEER_KEY = "x-forwarded-peer";

/** What all calls of a server share. */
export interface CallEnvironment {
  readonly clock: Clock;
  readonly log: Logger;
  readonly boundary: ErrorBoundary;
}

export type FinishListener = (call: Call, status: Status) => void;

export class Call {
  readonly method: Method;
  readonly metadata: RequestMetadata;
  /** "address:port" of the caller; of a call that a trusted gateway forwards, of the gateway's caller. */
  peer: string;
  readonly environment: CallEnvironment;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** Milliseconds since the epoch; Infinity when neither caller nor policy limits the call. */
  deadlineAt: number;
  /** True while the one request of a call without request stream has not arrived. */
  awaitsRequest = false;
  /** The single request by its descriptor, once a link has needed it; see `requestMessage`. */
  request: RequestMessage | undefined = undefined;
  /** Set once the credentials are verified; undefined is an anonymous caller. */
  principal: Principal | undefined = undefined;
  /** Set when the principal is a service that calls for somebody else. */
  onBehalfOf: OriginalCaller | undefined = undefined;
  /** Set when the call is traced. */
  span: Span | undefined = undefined;
  /** Set when messages of the response may be compressed. */
  responseEncoding: Encoding | undefined = undefined;
  /** Where the caller can go on if this stream ends early. A handler says where its stream begins, and what follows with `nextResumeToken`. */
  resumeToken: string | undefined = undefined;
  /** Told where the stream begins, before its first message; set by the transport. */
  onBegin: ((resumeToken: string) => void) | undefined = undefined;
  /** Where the caller can go on after the next message: set before it is yielded, and true from when it is sent. */
  nextResumeToken: string | undefined = undefined;
  /** Payload bytes of messages received and sent, before and after compression respectively. */
  receivedBytes = 0;
  sentBytes = 0;
  servedFromCache = false;

  #status: Status | undefined = undefined;
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #log: Logger | undefined = undefined;
  #listeners: FinishListener[] = [];
  #cancelDeadline: CancelTimer | undefined = undefined;

  constructor(
    method: Method,
    metadata: RequestMetadata,
    peer: string,
    deadlineAt: number,
    environment: CallEnvironment,
  ) {
    this.method = method;
    this.metadata = metadata;
    this.peer = peer;
    this.deadlineAt = deadlineAt;
    this.environment = environment;
    this.startedAt = environment.clock.monotonic();
  }

  /** The outcome; undefined while the call runs. */
  get status(): Status | undefined {
    return this.#status;
  }

  get finished(): boolean {
    return this.#status !== undefined;
  }

  /** Aborted when the call fails: cancelled, out of time, drained. Its reason is the error. Not aborted after success. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get log(): Logger {
    this.#log ??= this.environment.log.child({ method: this.method.path, peer: this.peer });
    return this.#log;
  }

  /** Milliseconds left; Infinity without a deadline, never negative. */
  get remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.environment.clock.now());
  }

  /** Listeners run in the order of their registration; at once when the call has ended already. */
  onFinish(listener: FinishListener): void {
    if (this.#status === undefined) this.#listeners.push(listener);
    else this.#notify(listener, this.#status);
  }

  /** Ends the call. Only the first call of `finish`, `fail` or `expire` has an effect. */
  finish(status: Status): void {
    if (this.#status !== undefined) return;
    this.#status = status;
    this.#cancelDeadline?.();
    for (const listener of this.#listeners) this.#notify(listener, status);
  }

  /** Ends the call with an error, and aborts its signal with it. */
  fail(error: unknown): void {
    if (this.#status !== undefined) return;
    this.#reason = error ?? new Error("the call failed with an empty reason");
    this.finish(this.environment.boundary(error));
    this.#controller?.abort(this.#reason);
  }

  /** Fails the call when its deadline passes. Without effect when there is none or a timer is set. */
  armDeadline(): void {
    if (this.deadlineAt === Number.POSITIVE_INFINITY || this.#status !== undefined) return;
    this.#cancelDeadline ??= this.environment.clock.after(this.remainingMs, () => this.expire());
  }

  /** Ends the call as one that ran out of time. */
  expire(): void {
    this.fail(deadlineExceeded());
  }

  /** Ends the call as one that its caller gave up, or whose connection broke. */
  abandon(): void {
    if (this.#status !== undefined) return;
    if (this.environment.clock.now() >= this.deadlineAt) this.expire();
    else this.fail(cancelled());
  }

  #notify(listener: FinishListener, status: Status): void {
    try {
      listener(this, status);
    } catch (error) {
      this.log.error({ err: error }, "a finish listener threw");
    }
  }
}

/** The error of a call that ran out of time. */
export function deadlineExceeded(): RpcError {
  return new RpcError({
    code: Code.DEADLINE_EXCEEDED,
    reason: "DEADLINE_EXCEEDED",
    message: "the deadline of the call passed",
  });
}

function cancelled(): RpcError {
  return new RpcError({
    code: Code.CANCELLED,
    reason: "CANCELLED",
    message: "the caller cancelled the call",
  });
}
