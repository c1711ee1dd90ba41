import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { defaultRule, judge, type Outcome, together } from "./decision.ts";
import { finalLook, type Look, lookAfter } from "./looks.ts";

interface World {
  readonly restarts: number;
  readonly slices: number;
  /** Standard deviations of a restart's personality and of a slice, in logarithms. */
  readonly between: number;
  readonly within: number;
  /** True change of each metric, in logarithms. */
  readonly shift: readonly [number, number, number];
}

const quiet: World = { restarts: 12, slices: 20, between: 0.012, within: 0.03, shift: [0, 0, 0] };

describe("the decision", () => {
  it("fails identical builds no more often than alpha, over three metrics and three looks", () => {
    const counts = outcomesOf(quiet, 1500, 1);
    // 1.5 % bounds 1 % from above at 1500 gates with more than 97 % probability.
    expect(counts.FAIL / 1500).toBeLessThanOrEqual(0.015);
    expect(counts.PASS / 1500).toBeGreaterThan(0.9);
  });

  it("fails a regression of 8 % in one metric nearly always, and passes it never", () => {
    const counts = outcomesOf({ ...quiet, shift: [Math.log(1.08), 0, 0] }, 400, 2);
    expect(counts.FAIL / 400).toBeGreaterThan(0.95);
    expect(counts.PASS).toBe(0);
  });

  it("passes a regression of the margin no more often than beta", () => {
    const counts = outcomesOf({ ...quiet, within: 0.1, shift: [Math.log(1.05), 0, 0] }, 600, 3);
    expect(counts.PASS / 600).toBeLessThanOrEqual(0.07);
  });

  it("says that it could not see on a machine where it cannot", () => {
    const counts = outcomesOf({ ...quiet, restarts: 3, between: 0.2, within: 0.5 }, 200, 4);
    expect(counts.INCONCLUSIVE / 200).toBeGreaterThan(0.9);
  });

  it("does not fail what is seen but too small to act on", () => {
    const restarts = Array.from({ length: 12 }, (_, i) => [0.01 + 0.0001 * (i % 2)]);
    const { metrics } = judge([restarts], finalLook);
    expect(metrics[0]).toMatchObject({ outcome: "PASS" });
    expect(metrics[0]?.low).toBeGreaterThan(0);
  });

  it("knows nothing from fewer than two restarts with slices", () => {
    for (const restarts of [[], [[0.5, 0.5]], [[], [], [0.5]]]) {
      expect(judge([restarts], finalLook).outcome).toBe("INCONCLUSIVE");
    }
  });

  it("states a detectable change that grows with the noise", () => {
    const detectable = (within: number) => {
      const run = gateData({ ...quiet, between: 0, within }, seededRandom(5));
      return judge(run, finalLook).metrics[0]?.detectable ?? Number.NaN;
    };
    expect(detectable(0.2)).toBeGreaterThan(3 * detectable(0.02));
  });

  it("never gets better for head when every slice gets worse", () => {
    const restarts = fc.array(fc.array(fc.double({ min: -0.3, max: 0.3, noNaN: true }), { maxLength: 8 }), {
      maxLength: 9,
    });
    const rank = { PASS: 0, INCONCLUSIVE: 1, FAIL: 2 } as const;
    const look = fc.constantFrom<Look>("first", "second", "final");
    fc.assert(
      fc.property(restarts, look, fc.double({ min: 0, max: 1, noNaN: true }), (data, at, shift) => {
        const worse = data.map((slices) => slices.map((value) => value + shift));
        expect(rank[judge([worse], at).outcome]).toBeGreaterThanOrEqual(rank[judge([data], at).outcome]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("is the worst of its parts, and never PASS when one of them is not", () => {
    const outcome = fc.constantFrom<Outcome>("PASS", "FAIL", "INCONCLUSIVE");
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 5 }), (outcomes) => {
        const all = together(outcomes);
        expect(all === "FAIL").toBe(outcomes.includes("FAIL"));
        expect(all === "PASS").toBe(outcomes.length > 0 && outcomes.every((one) => one === "PASS"));
      }),
      { seed: 8 },
    );
  });
});

/** Gates with all their looks, as they are run. */
function outcomesOf(world: World, gates: number, seed: number): Record<Outcome, number> {
  const random = seededRandom(seed);
  const counts = { PASS: 0, FAIL: 0, INCONCLUSIVE: 0 };
  for (let i = 0; i < gates; i++) counts[gateOf(gateData(world, random), world.restarts)]++;
  return counts;
}

function gateOf(data: number[][][], restarts: number): Outcome {
  for (let done = 1; done <= restarts; done++) {
    const look = lookAfter(done, restarts);
    if (look === undefined) continue;
    const { outcome } = judge(
      data.map((metric) => metric.slice(0, done)),
      look,
      defaultRule,
    );
    if (outcome !== "INCONCLUSIVE") return outcome;
  }
  return "INCONCLUSIVE";
}

/** [metric][restart][slice]. */
function gateData({ restarts, slices, between, within, shift }: World, random: SeededRandom): number[][][] {
  return shift.map((by) =>
    Array.from({ length: restarts }, () => {
      const centre = by + between * normal(random);
      return Array.from({ length: slices }, () => centre + within * normal(random));
    }),
  );
}

function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
