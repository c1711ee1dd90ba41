import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admits,
  type BreakerOptions,
  type BreakerState,
  CLOSED,
  type Outcome,
  transition,
} from "./breaker.ts";

const options: BreakerOptions = { failures: 3, openMs: 100, maxOpenMs: 1_000, probes: 1, successes: 2 };

/** A call that begins and ends at `now`. */
function call(state: BreakerState, outcome: Outcome, now: number): BreakerState {
  const started = transition(state, { type: "start", now }, options);
  return transition(started, { type: "end", now, epoch: started.epoch, outcome }, options);
}

const calls = (state: BreakerState, now: number, ...outcomes: Outcome[]): BreakerState =>
  outcomes.reduce((before, outcome) => call(before, outcome, now), state);

const open = calls(CLOSED, 0, "failure", "failure", "failure");

test("it opens when so many calls in a row have failed", () => {
  expect(calls(CLOSED, 0, "failure", "failure").kind).toBe("closed");
  expect(open).toMatchObject({ kind: "open", until: 100 });
  expect(calls(CLOSED, 0, "failure", "failure", "success", "failure", "failure").kind).toBe("closed");
  expect(calls(CLOSED, 0, "failure", "neutral", "failure", "neutral", "failure").kind).toBe("open");
});

test("open, it admits nothing until its time is over, and then as many probes as it may", () => {
  expect(admits(open, 99, options)).toBe(false);
  expect(admits(open, 100, options)).toBe(true);
  const probing = transition(open, { type: "start", now: 100 }, options);
  expect(probing).toMatchObject({ kind: "halfOpen", probing: 1 });
  expect(admits(probing, 100, options)).toBe(false);
});

test("probes that succeed close it, one that fails opens it for twice as long, up to the most", () => {
  expect(calls(open, 100, "success").kind).toBe("halfOpen");
  expect(calls(open, 100, "success", "success")).toMatchObject({ kind: "closed", openings: 0 });
  expect(calls(open, 100, "failure")).toMatchObject({ kind: "open", until: 300 });
  let state: BreakerState = open;
  for (let now = 1_000; now < 20_000; now += 1_000) state = call(state, "failure", now);
  expect(state).toMatchObject({ kind: "open", until: 20_000 });
});

test("an endpoint that is back is probed at once", () => {
  const back = transition(open, { type: "reconnected", now: 10 }, options);
  expect(admits(back, 10, options)).toBe(true);
  expect(call(back, "failure", 10).kind).toBe("open");
  expect(transition(CLOSED, { type: "reconnected", now: 10 }, options)).toBe(CLOSED);
});

test("a probe that says nothing makes room for another", () => {
  const state = calls(open, 100, "neutral");
  expect(state).toMatchObject({ kind: "halfOpen", probing: 0 });
  expect(admits(state, 100, options)).toBe(true);
});

describe("what was under way when the breaker changed decides nothing", () => {
  test.each(["success", "failure", "neutral"] as const)("%s", (outcome) => {
    const late = { type: "end", now: 100, epoch: CLOSED.epoch, outcome } as const;
    const probing = transition(open, { type: "start", now: 100 }, options);
    for (const state of [open, probing]) expect(transition(state, late, options)).toBe(state);
  });
});

interface Step {
  readonly start: boolean;
  readonly outcome: Outcome;
  readonly afterMs: number;
}

const steps = fc.array(
  fc.record<Step>({
    start: fc.boolean(),
    outcome: fc.constantFrom("success", "failure", "neutral"),
    afterMs: fc.nat(300),
  }),
  { maxLength: 200 },
);

test("whatever calls do: no more probes than allowed, none while it is open, and never stuck", () => {
  const limits = fc.record({
    probes: fc.integer({ min: 1, max: 3 }),
    successes: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(steps, limits, (walk, given) => {
      const each = { ...options, ...given };
      let state: BreakerState = CLOSED;
      let now = 0;
      const running: number[] = [];
      for (const { start, outcome, afterMs } of walk) {
        now += afterMs;
        if (start && admits(state, now, each)) {
          state = transition(state, { type: "start", now }, each);
          running.push(state.epoch);
        } else if (!start && running.length > 0) {
          const epoch = running.shift() ?? 0;
          state = transition(state, { type: "end", now, epoch, outcome }, each);
        }
        if (state.kind === "halfOpen") {
          expect(state.probing).toBeGreaterThanOrEqual(0);
          expect(state.probing).toBeLessThanOrEqual(each.probes);
          expect(state.probing).toBe(running.filter((epoch) => epoch === state.epoch).length);
        }
        if (state.kind === "open") expect(state.until - now).toBeLessThanOrEqual(each.maxOpenMs);
      }
      for (const epoch of running.splice(0)) {
        state = transition(state, { type: "end", now, epoch, outcome: "neutral" }, each);
      }
      expect(admits(state, now + each.maxOpenMs, each)).toBe(true);
    }),
  );
});
