// The circuit breaker of one instance: what it knows of the instance's answers decides whether it gets calls.
import { outcomeOf } from "#impl/client/attempt.ts";
import { admits, type BreakerOptions, type BreakerState, CLOSED, transition } from "#impl/client/breaker.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Code } from "#impl/runtime/status.ts";

export interface BackendBreakerOptions {
  /** "host:port", for the log. */
  readonly address: string;
  readonly breaker: BreakerOptions;
  readonly clock: Clock;
  readonly log: Logger;
}

export class BackendBreaker {
  readonly #options: BackendBreakerOptions;
  #state: BreakerState = CLOSED;

  constructor(options: BackendBreakerOptions) {
    this.#options = options;
  }

  get admits(): boolean {
    // By far the most frequent case, without a look at the clock.
    if (this.#state.kind === "closed") return true;
    return admits(this.#state, this.#options.clock.monotonic(), this.#options.breaker);
  }

  /** A call begins; resolves to how its end is told, with the status that the backend gave or that stands for what went wrong. */
  begin(): (code: Code) => void {
    const { clock, breaker } = this.#options;
    if (this.#state.kind !== "closed") {
      this.#become(transition(this.#state, { type: "start", now: clock.monotonic() }, breaker));
    }
    const { epoch } = this.#state;
    return (code) => {
      const event = { type: "end", now: clock.monotonic(), epoch, outcome: outcomeOf(code) } as const;
      this.#become(transition(this.#state, event, breaker));
    };
  }

  #become(state: BreakerState): void {
    const before = this.#state.kind;
    this.#state = state;
    if (state.kind === before) return;
    const { log, address } = this.#options;
    if (state.kind === "open")
      log.warn({ backend: address }, "a backend fails and gets no calls for a while");
    if (state.kind === "closed") log.info({ backend: address }, "a backend answers and gets calls again");
  }
}
