import { describe, expect, it } from "vitest";
import { type SeededRandom, seededRandom } from "#harness/random/seeded-random.ts";
import { estimateFromRestarts, type RestartEstimate } from "./restart-estimate.ts";
import { tQuantile } from "./student-t.ts";

const seed = 20241;

describe("an effect from restarts", () => {
  it("equals the t interval over restart means, computed by hand", () => {
    // Means 0.1, 0.2, 0.3: estimate 0.2, sd 0.1, SE 0.1 / sqrt(3); slices inside a restart agree, so nothing is within.
    const result = estimateFromRestarts([
      [0.1, 0.1],
      [0.2, 0.2],
      [0.3, 0.3],
    ]);
    const error = 0.1 / Math.sqrt(3);
    expect(result?.estimate).toBeCloseTo(0.2, 12);
    expect(result?.standardError).toBeCloseTo(error, 12);
    expect(result?.errorFrom).toBe("between restarts");
    expect(result?.low).toBeCloseTo(0.2 - 4.30265273 * error, 6);
    expect(result?.high).toBeCloseTo(0.2 + 4.30265273 * error, 6);
    expect(result?.detectable).toBeCloseTo((4.30265273 + tQuantile(0.95, 2)) * error, 6);
  });

  it("takes the error within restarts when the restarts agree by luck", () => {
    // Both means 0; within each, sd sqrt(2) over sqrt(2) slices = 1; SE_w = sqrt(1 + 1) / 2.
    const result = estimateFromRestarts([
      [-1, 1],
      [1, -1],
    ]);
    expect(result?.errorFrom).toBe("within restarts");
    expect(result?.standardError).toBeCloseTo(Math.SQRT1_2, 12);
    expect(result?.p).toBe(1);
  });

  it("leaves out empty restarts and says nothing from a single one", () => {
    expect(estimateFromRestarts([[0.1, 0.2], []])).toBeUndefined();
    expect(estimateFromRestarts([[0.1], [], [0.3]])?.restarts).toBe(2);
  });

  it("covers a true effect as often as it says, when processes differ more than slices", () => {
    const covered = coverage(simulate(3000, { effect: 0.05, between: 0.1, within: 0.02 }), 0.05);
    expect(covered).toBeGreaterThan(0.94);
    expect(covered).toBeLessThan(0.97);
  });

  it("covers it more often than it says, never less, when slices are what is noisy", () => {
    const covered = coverage(simulate(3000, { effect: 0.05, between: 0.01, within: 0.1 }), 0.05);
    expect(covered).toBeGreaterThan(0.95);
  });

  it("raises false alarms between identical builds at the stated rate, or less", () => {
    const processes = alarmRate(simulate(3000, { effect: 0, between: 0.1, within: 0.02 }));
    expect(processes).toBeGreaterThan(0.03);
    expect(processes).toBeLessThan(0.06);
    expect(alarmRate(simulate(3000, { effect: 0, between: 0.01, within: 0.1 }))).toBeLessThan(0.05);
  });

  it("would raise far too many if slices were taken as independent, which is why they are not", () => {
    const random = seededRandom(seed);
    let alarms = 0;
    for (let run = 0; run < 1000; run++) {
      const pooled = drawRestarts(random, { effect: 0, between: 0.1, within: 0.1 }).flat();
      const result = estimateFromRestarts(pooled.map((slice) => [slice]));
      if (result && result.p < 0.05) alarms++;
    }
    expect(alarms / 1000).toBeGreaterThan(0.2);
  });
});

interface Truth {
  readonly effect: number;
  readonly between: number;
  readonly within: number;
}

function coverage(results: readonly RestartEstimate[], effect: number): number {
  return results.filter((result) => result.low <= effect && effect <= result.high).length / results.length;
}

function alarmRate(results: readonly RestartEstimate[]): number {
  return results.filter((result) => result.p < 0.05).length / results.length;
}

function simulate(runs: number, truth: Truth): RestartEstimate[] {
  const random = seededRandom(seed);
  return Array.from({ length: runs }, () => estimateFromRestarts(drawRestarts(random, truth))).filter(
    (result) => result !== undefined,
  );
}

function drawRestarts(random: SeededRandom, truth: Truth): number[][] {
  return Array.from({ length: 5 }, () => {
    const personality = truth.effect + truth.between * normal(random);
    return Array.from({ length: 6 }, () => {
      const spike = random.next() < 0.05 ? 5 : 1;
      return personality + truth.within * spike * normal(random);
    });
  });
}

function normal(random: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
