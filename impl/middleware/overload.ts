// Refuses what would only wait: a process that takes more calls than it can finish answers all of them too late. Three bounds, each in this
// process alone: calls under way, by how long calls take (concurrency-limit.ts); how long a call may have waited for the event loop
// (turn-budget.ts); and open streams, which are as long as their callers like and tell nothing of load. A call is under way until its
// handler has ended, even when its caller has gone: work that nobody waits for takes its place all the same.
// A refused call is UNAVAILABLE, since nothing was done and another replica may well serve it: gRPC clients retry that, and wait for the
// pushback first. Nothing of a refused call is verified or decoded. Health and the admin port do not pass through the pipeline.
import type { Load } from "#impl/observability/limit-metrics.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Clock } from "#impl/runtime/clock.ts";
import { type Handler, isPromise, type Link } from "#impl/runtime/handler.ts";
import { type RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { type ConcurrencyBounds, ConcurrencyLimit, usualTime } from "./concurrency-limit.ts";
import { TurnBudget } from "./turn-budget.ts";

export interface OverloadOptions {
  readonly clock: Clock;
  /** Of calls without streams that are under way. */
  readonly calls: ConcurrencyBounds;
  /** Open streams. */
  readonly maxStreams: number;
  /** What a turn of the event loop may take under overload. */
  readonly turnMs: number;
  /** Where it keeps its counts. */
  readonly load: Load;
}

/** Callers that were refused together do not come back together: their pushbacks are spread over twice the first. */
const FIRST_PUSHBACK_MS = 100;
const PUSHBACKS = 16;

export function overload(options: OverloadOptions): Link {
  const { clock, load, maxStreams } = options;
  const limit = new ConcurrencyLimit(options.calls);
  const turn = new TurnBudget({ clock, targetMs: options.turnMs });
  const nextError = refusals();
  load.limit = limit.limit;

  const refuse = (bound: keyof Load["refused"]): never => {
    load.refused[bound] += 1;
    throw nextError();
  };
  const streamEnded = (): void => {
    load.streams -= 1;
  };
  const stream = (next: Handler): Handler => {
    return (call, input) => {
      if (load.streams >= maxStreams) refuse("streams");
      if (turn.isSpent()) refuse("turn");
      load.streams += 1;
      call.onFinish(streamEnded);
      return next(call, input);
    };
  };
  const unary = (next: Handler): Handler => {
    const usual = usualTime();
    const answered = (call: Call): void => {
      const now = clock.monotonic();
      limit.sample(now - call.startedAt, usual, load.inFlight, now);
      load.limit = limit.limit;
      load.inFlight -= 1;
    };
    // What failed at once tells nothing of load; what ran out of time does.
    const failed = (call: Call): void => {
      if (call.status?.code === Code.DEADLINE_EXCEEDED) answered(call);
      else load.inFlight -= 1;
    };
    return (call, input) => {
      if (turn.isSpent()) refuse("turn");
      if (load.inFlight >= load.limit) refuse("calls");
      const output = next(call, input);
      if (isPromise(output)) {
        load.inFlight += 1;
        output.then(
          () => answered(call),
          () => failed(call),
        );
      }
      return output;
    };
  };
  return (method, next) => (method.requestStream || method.responseStream ? stream(next) : unary(next));
}

/** Errors that are made once: under overload there is no time to make them. */
function refusals(): () => RpcError {
  const errors = Array.from({ length: PUSHBACKS }, (_, i) =>
    unavailable(
      "OVERLOADED",
      "the server has more calls than it can finish",
      FIRST_PUSHBACK_MS * (1 + i / PUSHBACKS),
    ),
  );
  let count = 0;
  return () => errors[count++ % PUSHBACKS] as RpcError;
}
