// A circuit breaker as a state and pure transitions. Closed until calls fail one after the other; then open, and no call is let through;
// after a while half open: a few calls probe, and close it again or open it for longer.
// An answer counts only in the epoch in which its call began: what was under way when the breaker opened decides nothing afterwards.

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** How long it is open at first; each opening without a success between doubles it, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Calls that probe at the same time. */
  readonly probes: number;
  /** Probes that must succeed before it closes. */
  readonly successes: number;
}

interface Common {
  readonly epoch: number;
  /** Openings without a closing between. */
  readonly openings: number;
}

export type BreakerState =
  | (Common & { readonly kind: "closed"; readonly failures: number })
  | (Common & { readonly kind: "open"; readonly until: number })
  | (Common & { readonly kind: "halfOpen"; readonly probing: number; readonly successes: number });

/** `neutral`: the call ended in a way that says nothing of its endpoint, such as cancelled by its caller. */
export type Outcome = "success" | "failure" | "neutral";

export type BreakerEvent =
  /** The endpoint was gone and is back: it may be another process, and is probed at once. */
  | { readonly type: "reconnected"; readonly now: number }
  | { readonly type: "start"; readonly now: number }
  | { readonly type: "end"; readonly now: number; readonly epoch: number; readonly outcome: Outcome };

export const CLOSED: BreakerState = { kind: "closed", epoch: 0, openings: 0, failures: 0 };

/** Whether a call may begin. Times are monotonic milliseconds. */
export function admits(state: BreakerState, now: number, options: BreakerOptions): boolean {
  switch (state.kind) {
    case "closed":
      return true;
    case "open":
      return now >= state.until;
    case "halfOpen":
      return state.probing < options.probes;
  }
}

export function transition(state: BreakerState, event: BreakerEvent, options: BreakerOptions): BreakerState {
  if (event.type === "start") return started(state, event.now);
  if (event.type === "reconnected") {
    return state.kind === "open" ? { ...state, until: Math.min(state.until, event.now) } : state;
  }
  if (event.epoch !== state.epoch) return state;
  switch (state.kind) {
    case "open":
      return state;
    case "closed":
      return whenClosed(state, event.outcome, event.now, options);
    case "halfOpen":
      return whenHalfOpen(state, event.outcome, event.now, options);
  }
}

function started(state: BreakerState, now: number): BreakerState {
  if (state.kind === "halfOpen") return { ...state, probing: state.probing + 1 };
  if (state.kind === "closed" || now < state.until) return state;
  return { kind: "halfOpen", epoch: state.epoch + 1, openings: state.openings, probing: 1, successes: 0 };
}

function whenClosed(
  state: BreakerState & { readonly kind: "closed" },
  outcome: Outcome,
  now: number,
  options: BreakerOptions,
): BreakerState {
  if (outcome === "neutral") return state;
  if (outcome === "success") return state.failures === 0 ? state : { ...state, failures: 0 };
  const failures = state.failures + 1;
  return failures < options.failures ? { ...state, failures } : opened(state, now, options);
}

function whenHalfOpen(
  state: BreakerState & { readonly kind: "halfOpen" },
  outcome: Outcome,
  now: number,
  options: BreakerOptions,
): BreakerState {
  if (outcome === "failure") return opened(state, now, options);
  const probing = state.probing - 1;
  if (outcome === "neutral") return { ...state, probing };
  const successes = state.successes + 1;
  if (successes < options.successes) return { ...state, probing, successes };
  return { kind: "closed", epoch: state.epoch + 1, openings: 0, failures: 0 };
}

function opened(state: BreakerState, now: number, options: BreakerOptions): BreakerState {
  const openMs = Math.min(options.openMs * 2 ** state.openings, options.maxOpenMs);
  return { kind: "open", epoch: state.epoch + 1, openings: state.openings + 1, until: now + openMs };
}
