// Event streams that go on after a break: whoever opens one again with the last token it saw gets what follows (event.proto). Which streams
// those are is in the contract: request and response have a field resume_token. This is their only layer of retries.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Random } from "#impl/runtime/ids.ts";
import type { Method } from "#impl/runtime/method.ts";
import { Code } from "#impl/runtime/status.ts";
import { CallError } from "./call-error.ts";
import type { MethodWrapper, StreamMethod } from "./client.ts";
import type { ClientEventListener } from "./client-events.ts";
import { overallDeadline } from "./overall-deadline.ts";

export interface ResumeOptions {
  /** How often in a row a stream is opened again without a message between, before its reader gets the error. */
  readonly maxAttempts: number;
  /** The pause before the first reopening is up to this long, by chance; each is up to twice as long as the one before, up to `maxBackoffMs`. */
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /**
   * Whether a stream whose token has expired goes on with the server's snapshot of the present state. Without, its reader gets OUT_OF_RANGE,
   * since events between are lost.
   */
  readonly snapshotWhenExpired: boolean;
}

export interface ResumeEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly onEvent: ClientEventListener;
  /** Aborted when the client closes: nothing is opened again. */
  readonly closing: AbortSignal;
}

interface Resumable {
  readonly resumeToken: string;
}

const TOKEN_FIELD = "resume_token";
/** Trailing metadata in which a server that drains says where to go on. */
const TOKEN_TRAILER = "resume-token";

export function isResumable(method: Method): boolean {
  if (method.requestStream || !method.responseStream) return false;
  return [method.input, method.output].every(({ fields }) => fields.some(({ name }) => name === TOKEN_FIELD));
}

export function resuming(options: ResumeOptions, environment: ResumeEnvironment): MethodWrapper {
  return {
    promise: (_, call) => call,
    stream: (method, call) => (isResumable(method) ? resumed(method, call, options, environment) : call),
  };
}

function resumed(
  method: Method,
  open: StreamMethod,
  options: ResumeOptions,
  { clock, random, onEvent, closing }: ResumeEnvironment,
): StreamMethod {
  return async function* (request, callOptions = {}) {
    const within = overallDeadline(method, callOptions, clock);
    let { resumeToken } = request as Resumable;
    let failures = 0;
    for (;;) {
      let received = false;
      try {
        const stream = open({ ...(request as object), resumeToken }, { ...within(), retry: false });
        for await (const message of stream as AsyncIterable<Resumable>) {
          received = true;
          failures = 0;
          if (message.resumeToken !== "") ({ resumeToken } = message);
          yield message;
        }
        return;
      } catch (error) {
        const next = continuation(error, received, resumeToken, options);
        failures += 1;
        if (next === undefined || failures > options.maxAttempts || closing.aborted) throw error;
        resumeToken = next;
        onEvent({ type: "resumed", method: method.path, attempt: failures, error });
        const longestMs = Math.min(options.initialBackoffMs * 2 ** (failures - 1), options.maxBackoffMs);
        const stop = AbortSignal.any([
          closing,
          ...(callOptions.signal === undefined ? [] : [callOptions.signal]),
        ]);
        if (!(await paused(clock, random() * longestMs, within().deadlineMs, stop))) throw error;
      }
    }
  };
}

/** The token with which a stream that ended with `error` goes on; undefined when it does not. */
function continuation(
  error: unknown,
  received: boolean,
  token: string,
  options: ResumeOptions,
): string | undefined {
  if (!(error instanceof CallError)) return undefined;
  switch (error.code) {
    case Code.UNAVAILABLE:
    case Code.RESOURCE_EXHAUSTED: {
      // Before the first message the reader has no token for where its stream began; the server may.
      const [where] = error.trailers.get(TOKEN_TRAILER);
      return !received && typeof where === "string" && where !== "" ? where : token;
    }
    case Code.OUT_OF_RANGE: {
      const snapshot = error.details.resumeExpired?.snapshotToken ?? "";
      return options.snapshotWhenExpired && snapshot !== "" ? snapshot : undefined;
    }
    default:
      return undefined;
  }
}

/** False when the pause would outlast the deadline, or the signal aborts before its end. */
async function paused(clock: Clock, ms: number, leftMs: number, signal: AbortSignal): Promise<boolean> {
  if (ms >= leftMs) return false;
  try {
    await sleep(clock, ms, signal);
    return true;
  } catch {
    return false;
  }
}
