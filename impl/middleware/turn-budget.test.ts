import { expect, test } from "vitest";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { INTERVAL_MS, TurnBudget } from "./turn-budget.ts";

function budget() {
  const clock = manualClock();
  let ends: Array<() => void> = [];
  const turn = new TurnBudget({ clock, targetMs: 10, atEndOfTurn: (action) => ends.push(action) });
  /** A turn in which calls of `callMs` come until it has lasted as long; gives how many were refused. */
  const run = (calls: number, callMs: number): number => {
    let refused = 0;
    for (let i = 0; i < calls; i++) {
      if (turn.isSpent()) refused += 1;
      else clock.advance(callMs);
    }
    const due = ends;
    ends = [];
    for (const end of due) end();
    return refused;
  };
  return { clock, run };
}

test("one long turn refuses nobody", () => {
  const { run } = budget();
  expect(run(20, 4)).toBe(0);
});

test("turns that stay long refuse what comes beyond the target, and a short one ends that", () => {
  const { run } = budget();
  const refused = Array.from({ length: 20 }, () => run(20, 4));
  expect(refused[0]).toBe(0);
  // 3 calls of 4 ms are beyond 10 ms.
  expect(refused.at(-1)).toBe(17);
  expect(refused.indexOf(17)).toBeLessThanOrEqual(INTERVAL_MS / 12 + 1);
  run(1, 1);
  expect(run(20, 4)).toBe(0);
});

test("a long turn after a rest is the first one", () => {
  const { clock, run } = budget();
  for (let i = 0; i < 20; i++) run(20, 4);
  clock.advance(11);
  expect(run(20, 4)).toBe(0);
});

const HANDLED_MS = 1;
const REFUSED_MS = 0.06;

/** A process of 1,000 calls a second for ten seconds: each turn takes what has arrived. Gives the calls a second answered in 250 ms. */
function goodput(load: number, protect: boolean): number {
  const clock = manualClock();
  let end = (): void => {};
  const turn = new TurnBudget({ clock, targetMs: 50, atEndOfTurn: (action) => (end = action) });
  const gapMs = HANDLED_MS / load;
  let good = 0;
  for (let arrived = 0; clock.monotonic() < 10_000; ) {
    if (arrived * gapMs > clock.monotonic()) clock.advance(arrived * gapMs - clock.monotonic());
    const accepted: number[] = [];
    const startedAt = clock.monotonic();
    for (; arrived * gapMs <= startedAt; arrived++) {
      const refused = turn.isSpent() && protect;
      if (!refused) accepted.push(arrived * gapMs);
      clock.advance(refused ? REFUSED_MS : HANDLED_MS);
    }
    end();
    good += accepted.filter((at) => clock.monotonic() - at <= 250).length;
  }
  return good / 10;
}

test("what is answered in time stays within 15 % of the peak at twice the capacity, and without the budget is nothing", () => {
  const loads = [0.5, 1, 1.5, 2, 3];
  const [half = 0, full = 0, , twice = 0, thrice = 0] = loads.map((load) => goodput(load, true));
  expect(half).toBeGreaterThan(495);
  expect(full).toBeGreaterThan(950);
  expect(twice).toBeGreaterThan(0.85 * full);
  expect(thrice).toBeGreaterThan(0.75 * full);
  expect(goodput(2, false)).toBeLessThan(0.1 * full);
});
