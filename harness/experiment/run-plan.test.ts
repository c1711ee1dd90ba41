import { describe, expect, it } from "vitest";
import { planClusterRun } from "./ablation-plan.ts";
import { mayStartRestart, planRun } from "./run-plan.ts";

describe("the time plan", () => {
  it("keeps the default run under six minutes, with its part of a gateway, and enough restarts for an interval of use", () => {
    const plan = planRun({ quick: false });
    const gateway = planClusterRun({ full: false, quick: false });
    expect(plan.totalSeconds + (gateway?.seconds ?? 0)).toBeLessThan(345);
    expect(plan.restarts).toBeGreaterThanOrEqual(5);
  });

  it("keeps the quick run under ninety seconds with at least three restarts", () => {
    const plan = planRun({ quick: true });
    expect(plan.totalSeconds).toBeLessThan(85);
    expect(plan.restarts).toBeGreaterThanOrEqual(3);
  });

  it("takes the restarts it is given and says how long they take", () => {
    const plan = planRun({ quick: false, restarts: 12 });
    expect(plan.restarts).toBe(12);
    expect(plan.totalSeconds).toBeGreaterThan(12 * plan.restartSeconds);
    expect(plan.budgetSeconds).toBeGreaterThan(plan.totalSeconds);
  });

  it.each([0, 1, 2.5, 41, Number.NaN])("refuses %f restarts", (restarts) => {
    expect(() => planRun({ quick: true, restarts })).toThrow(
      /RESTARTS must be a whole number from 2 to 40, got/,
    );
  });

  it("begins no restart that would overrun, but never stops before two", () => {
    const plan = planRun({ quick: true });
    expect(mayStartRestart(plan, 1, 1e6, 20)).toBe(true);
    expect(mayStartRestart(plan, 2, plan.budgetSeconds - 10, 20)).toBe(false);
    expect(mayStartRestart(plan, 2, 30, 20)).toBe(true);
    expect(mayStartRestart(plan, plan.restarts, 0, 1)).toBe(false);
  });
});
