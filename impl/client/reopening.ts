// When a stream that broke is opened again, and when its reader gets the error: the one layer of retries of streams that resume.
import { type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Random } from "#impl/runtime/ids.ts";
import type { Method } from "#impl/runtime/method.ts";
import { Code } from "#impl/runtime/status.ts";
import { CallError } from "./call-error.ts";
import type { CallOptions } from "./client.ts";
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
   * since events between are lost. Subscriptions of a stream in both directions always get it.
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

/** Whether a stream that ended with `error` broke, rather than was refused. */
export function isBreak(error: unknown): error is CallError {
  return (
    error instanceof CallError && (error.code === Code.UNAVAILABLE || error.code === Code.RESOURCE_EXHAUSTED)
  );
}

/** The openings of one stream. */
export class Reopening {
  readonly #method: Method;
  readonly #callOptions: CallOptions;
  readonly #options: ResumeOptions;
  readonly #environment: ResumeEnvironment;
  readonly #within: ReturnType<typeof overallDeadline>;
  #failures = 0;

  constructor(
    method: Method,
    callOptions: CallOptions,
    options: ResumeOptions,
    environment: ResumeEnvironment,
  ) {
    this.#method = method;
    this.#callOptions = callOptions;
    this.#options = options;
    this.#environment = environment;
    this.#within = overallDeadline(method, callOptions, environment.clock);
  }

  /** For the next opening: one attempt, in what is left of the stream's time. */
  get callOptions(): CallOptions {
    return { ...this.#within(), retry: false };
  }

  /** A message has come. */
  progress(): void {
    this.#failures = 0;
  }

  /** Resolves when the stream may be opened again after `error`; throws it when it is not to be. */
  async after(error: unknown): Promise<void> {
    const { maxAttempts, initialBackoffMs, maxBackoffMs } = this.#options;
    const { clock, random, onEvent, closing } = this.#environment;
    this.#failures += 1;
    if (this.#failures > maxAttempts || closing.aborted) throw error;
    onEvent({ type: "resumed", method: this.#method.path, attempt: this.#failures, error });
    const longestMs = Math.min(initialBackoffMs * 2 ** (this.#failures - 1), maxBackoffMs);
    const { signal } = this.#callOptions;
    const stop = AbortSignal.any([closing, ...(signal === undefined ? [] : [signal])]);
    if (!(await paused(clock, random() * longestMs, this.#within().deadlineMs, stop))) throw error;
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
