import { describe, expect, it } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { analyseEffects, analyseLevels, type Effect } from "./analyse.ts";
import type { MetricId } from "./metrics.ts";
import { madeSlices } from "./testing/made-slices.ts";

const scenario = { workload: "hot-reads", link: "loopback" } as const;

function jitter(size: number) {
  const random = seededRandom(7);
  return () => 1 + size * (random.next() - 0.5);
}

function pick(effects: readonly Effect[], factor: Effect["factor"], metric: MetricId): Effect {
  const found = effects.find((e) => e.factor === factor && e.metric.id === metric && e.given === undefined);
  if (!found) throw new Error(`no effect of ${factor} on ${metric}`);
  return found;
}

describe("effects from slices", () => {
  const slices = madeSlices({
    ...scenario,
    restarts: 5,
    rounds: 5,
    caching: { cpuMicrosPerCall: 0.5 },
    compression: { cpuMicrosPerCall: 1.3 },
    noise: jitter(0.02),
  });

  it("recovers factors that multiply, sees no interaction and nothing where nothing was done", () => {
    const effects = analyseEffects(slices, 0.95);
    expect(Math.exp(pick(effects, "caching", "cpuMicrosPerCall").estimate?.estimate ?? 0)).toBeCloseTo(
      0.5,
      1,
    );
    expect(Math.exp(pick(effects, "compression", "cpuMicrosPerCall").estimate?.estimate ?? 0)).toBeCloseTo(
      1.3,
      1,
    );
    expect(pick(effects, "caching", "cpuMicrosPerCall").afterCorrection).toBe(true);
    expect(pick(effects, "interaction", "cpuMicrosPerCall").afterCorrection).toBe(false);
    expect(pick(effects, "caching", "wireBytesPerCall").afterCorrection).toBe(false);
  });

  it("gives the effect at each level of the other factor", () => {
    const given = analyseEffects(slices, 0.95).filter(
      (e) => e.factor === "compression" && e.metric.id === "cpuMicrosPerCall" && e.given !== undefined,
    );
    expect(given.map((e) => e.given)).toEqual([
      { factor: "caching", on: false },
      { factor: "caching", on: true },
    ]);
    for (const effect of given) expect(Math.exp(effect.estimate?.estimate ?? 0)).toBeCloseTo(1.3, 1);
  });

  it("leaves out a whole round when one of its slices does not count", () => {
    const spoilt = slices.map((slice) =>
      slice.restart === 1 && slice.round === 2 && slice.phase === "throughput" && slice.arm === "caching"
        ? { ...slice, invalid: "generator saturated", values: { ...slice.values, cpuMicrosPerCall: 9999 } }
        : slice,
    );
    const effect = pick(analyseEffects(spoilt, 0.95), "caching", "cpuMicrosPerCall");
    expect(effect.estimate?.slices).toBe(24);
    expect(Math.exp(effect.estimate?.estimate ?? 0)).toBeCloseTo(0.5, 1);
    expect(pick(analyseEffects(spoilt, 0.95), "caching", "p50Ms").estimate?.slices).toBe(25);
  });

  it("states no effect from a value that is missing or zero, and none from one restart", () => {
    const withoutAllocation = slices.map((s) => ({
      ...s,
      values: { ...s.values, allocatedBytesPerCall: null },
    }));
    const effects = analyseEffects(withoutAllocation, 0.95);
    expect(pick(effects, "caching", "allocatedBytesPerCall").estimate).toBeUndefined();
    const single = slices.filter((slice) => slice.restart === 0);
    expect(pick(analyseEffects(single, 0.95), "caching", "p50Ms").estimate).toBeUndefined();
  });
});

describe("levels", () => {
  it("are per arm, also for values that may be zero", () => {
    const slices = madeSlices({
      ...scenario,
      restarts: 3,
      rounds: 2,
      caching: { databaseQueriesPerCall: 0 },
    });
    const level = (arm: string) =>
      analyseLevels(slices, 0.95).find((l) => l.arm.id === arm && l.metric.id === "databaseQueriesPerCall");
    expect(level("caching")?.estimate?.estimate).toBe(0);
    expect(level("neither")?.estimate?.estimate).toBe(1);
  });
});
