import { expect, test } from "vitest";
import { latencyLengthMs, planClusterRun, sliceLengths } from "./ablation-plan.ts";
import { fullCapacityPlan, quickCapacityPlan, searchedCells } from "./capacity-plan.ts";
import { clusterWorkloadFacts } from "./cluster-workload.ts";
import { highestStep, steps } from "./highest-step.ts";

const modes = [
  { full: false, quick: false, most: 75 },
  { full: true, quick: true, most: 150 },
  { full: true, quick: false, most: 1000 },
];

test.each(modes)("%o fits its minutes", ({ most, ...mode }) => {
  expect(planClusterRun(mode)?.seconds).toBeLessThanOrEqual(most);
});

test("a quick run that is not full leaves it out", () => {
  expect(planClusterRun({ full: false, quick: true })).toBeUndefined();
});

test.each([true, false])("a full run, quick or not (%s), has every workload and every network", (quick) => {
  const scenarios = planClusterRun({ full: true, quick })?.ablation.scenarios ?? [];
  expect(new Set(scenarios.map(({ workload }) => workload))).toEqual(
    new Set(Object.keys(clusterWorkloadFacts)),
  );
  expect(new Set(scenarios.map(({ condition }) => condition))).toEqual(
    new Set(["loopback", "lan", "wan", "mobile"]),
  );
});

test("a slice on a long link holds round trips, and is counted after the first answers", () => {
  const plan = { throughputMs: 300, latencyMs: 500, stepMs: 300 };
  const near = sliceLengths(plan, { pace: 1 }, "loopback");
  const far = sliceLengths(plan, { pace: 1 }, "mobile");
  expect(near).toMatchObject({ rampMs: 50, throughputMs: 300, latencyMs: 500 });
  expect(far.rampMs).toBeGreaterThan(100);
  expect(far.throughputMs).toBeGreaterThanOrEqual(500);
  expect(far.throughputMs % far.rampMs).toBe(0);
  expect(sliceLengths(plan, { pace: 4 }, "loopback").latencyMs).toBe(2000);
});

test("saturation is searched without any factor, with all, and with each left out", () => {
  expect(searchedCells(fullCapacityPlan, 2)).toEqual([0, 3, 2, 1]);
  expect(searchedCells(quickCapacityPlan, 4)).toEqual([15]);
});

test("the highest step that holds is found from above, or there is none", async () => {
  const tried: number[] = [];
  const found = await highestStep(100, async (rate) => {
    tried.push(rate);
    return rate < 75;
  });
  expect(found).toBe(tried.at(-1));
  expect(found).toBeCloseTo(70.3, 1);
  expect(tried).toHaveLength(3);
  expect(await highestStep(100, async () => false)).toBeNull();
  expect(steps.every((share, i) => i === 0 || share < (steps[i - 1] ?? 0))).toBe(true);
});

test("a latency slice is as long as a 99th percentile needs, unless calls are too few for one", () => {
  expect(latencyLengthMs(400, 1000)).toBe(400);
  expect(latencyLengthMs(400, 200)).toBe(600);
  expect(latencyLengthMs(400, 10)).toBe(400);
});
