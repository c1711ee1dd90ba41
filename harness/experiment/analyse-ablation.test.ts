import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { AblationCell, AblationResult } from "./ablation.ts";
import { type AblationFactorId, ablationArms } from "./ablation-design.ts";
import { ablationLevels, analyseAblation } from "./analyse-ablation.ts";

const factors: readonly AblationFactorId[] = ["compression", "caching", "pooling", "balancing"];

/** Pooling adds half to the throughput, and twice that together with balancing. */
function resultOf(change: (cell: AblationCell) => AblationCell = (cell) => cell): AblationResult {
  const random = seededRandom(9);
  const arms = ablationArms(factors);
  const cells = [0, 1, 2].flatMap((block) =>
    arms.map(({ cell }): AblationCell => {
      const [pooling, balancing] = [(cell >> 2) & 1, (cell >> 3) & 1];
      const callsPerSecond =
        1000 * (block + 1) * 1.5 ** pooling * 2 ** (pooling * balancing) * (1 + 0.02 * random.next());
      return change({
        workload: "hot-reads",
        condition: "loopback",
        block,
        cell,
        values: {
          callsPerSecond,
          callsPerSecondAtLimit: null,
          p50Ms: 1 + 0.1 * random.next(),
          p99Ms: null,
          cpuMicrosPerCall: 10,
          allocatedBytesPerCall: 10,
          wireBytesPerCall: 10,
          memoryBytes: 10,
        },
        calls: 500,
        generatorUtilization: 0.2,
        invalid: null,
      });
    }),
  );
  const plan = {
    factors,
    scenarios: [{ workload: "hot-reads" as const, condition: "loopback" as const, atLimit: false }],
    blocks: 3,
    confidence: 0.95,
    throughputMs: 1,
    latencyMs: 1,
    stepMs: 1,
    warmUpMs: 1,
  };
  return { plan, arms, rates: [], leftOut: [], blocks: 3, cells, interrupted: false, failure: undefined };
}

function ratio(result: AblationResult, ...wanted: AblationFactorId[]) {
  const effect = analyseAblation(result, 0.95).find(
    (one) => one.metric === "callsPerSecond" && one.factors.join() === wanted.join(),
  );
  return { value: Math.exp(effect?.contrast?.estimate ?? Number.NaN), effect };
}

test("main effects and interactions come out as they went in, blocks apart", () => {
  const result = resultOf();
  expect(ratio(result, "pooling").value).toBeCloseTo(1.5 * Math.SQRT2, 1);
  expect(ratio(result, "pooling", "balancing").value).toBeCloseTo(2, 1);
  expect(ratio(result, "caching").value).toBeCloseTo(1, 1);
  expect(ratio(result, "pooling").effect?.afterCorrection).toBe(true);
  expect(ratio(result, "caching").effect?.afterCorrection).toBe(false);
});

test("a block with a cell that does not count is left out for every arm, and one block is not enough", () => {
  const gap = resultOf((cell) => (cell.block === 1 && cell.cell === 5 ? { ...cell, invalid: "late" } : cell));
  expect(ratio(gap, "pooling").effect).toMatchObject({ blocks: 2, degrees: 15 });
  const gaps = resultOf((cell) => (cell.block > 0 && cell.cell === 5 ? { ...cell, invalid: "late" } : cell));
  expect(ratio(gaps, "pooling").effect?.contrast).toBeUndefined();
});

test("what was not measured has no effect and no level", () => {
  const result = resultOf();
  const p99 = analyseAblation(result, 0.95).filter(({ metric }) => metric === "p99Ms");
  expect(p99).toHaveLength(15);
  expect(p99.every(({ contrast }) => contrast === undefined)).toBe(true);
  expect(ablationLevels(result).find(({ metric }) => metric === "p99Ms")?.value).toBeNull();
});

test("an arm switches off whatever is not named by it", () => {
  const [none, ...others] = ablationArms(["pooling", "balancing"]);
  expect(none).toMatchObject({
    label: "none",
    settings: { MIDDLEWARE_OFF: "compression,cache", BACKEND_CONNECTIONS: "1", BACKEND_BALANCING: "inTurn" },
  });
  expect(others.at(-1)?.settings).toMatchObject({ BACKEND_CONNECTIONS: "8", BACKEND_BALANCING: "byLoad" });
  expect(ablationArms(factors)[0]?.settings.MIDDLEWARE_OFF).toBe("compression,cache");
});
