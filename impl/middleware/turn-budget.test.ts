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
