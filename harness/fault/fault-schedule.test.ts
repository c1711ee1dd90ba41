import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { type FaultPlanOptions, planFaults } from "./fault-schedule.ts";

const names = ["latency", "pause", "kill", "partition", "clock-jump"];

const options: fc.Arbitrary<Required<FaultPlanOptions>> = fc
  .record({
    faults: fc.subarray(names, { minLength: 1 }),
    mostAtOnce: fc.integer({ min: 1, max: 4 }),
    shortestMs: fc.integer({ min: 50, max: 500 }),
    longer: fc.nat(1000),
    shortestPeaceMs: fc.nat(500),
    longerPeace: fc.nat(1000),
    more: fc.nat(8000),
  })
  .map(({ longer, longerPeace, more, ...rest }) => {
    const longestPeaceMs = rest.shortestPeaceMs + longerPeace;
    const durationMs = longestPeaceMs + rest.shortestMs + more;
    return { ...rest, longestMs: rest.shortestMs + longer, longestPeaceMs, durationMs };
  });

test("one seed gives one plan, which keeps every limit", () => {
  fc.assert(
    fc.property(fc.nat(), options, (seed, options) => {
      const plan = planFaults(seededRandom(seed), options);
      expect(planFaults(seededRandom(seed), options)).toEqual(plan);
      expect(plan.length).toBeGreaterThan(0);
      for (const [i, { atMs, forMs, fault }] of plan.entries()) {
        expect(atMs).toBeGreaterThanOrEqual(plan[i - 1]?.atMs ?? options.shortestPeaceMs);
        expect(forMs).toBeGreaterThanOrEqual(options.shortestMs);
        expect(forMs).toBeLessThanOrEqual(options.longestMs);
        expect(atMs + forMs).toBeLessThanOrEqual(options.durationMs);
        const on = plan.slice(0, i + 1).filter((other) => other.atMs + other.forMs > atMs);
        expect(on.length).toBeLessThanOrEqual(options.mostAtOnce);
        expect(on.filter((other) => other.fault === fault)).toHaveLength(1);
      }
    }),
  );
});

test("no fault strikes again before every other has had its turn", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const plan = planFaults(seededRandom(seed), { faults: names, durationMs: 120_000 });
      expect(plan.length).toBeGreaterThan(2 * names.length);
      for (let i = 0; i + names.length <= plan.length; i += names.length) {
        const round = plan.slice(i, i + names.length).map(({ fault }) => fault);
        expect(round.sort()).toEqual([...names].sort());
      }
    }),
  );
});

test("another seed gives another plan", () => {
  const plan = (seed: number) => planFaults(seededRandom(seed), { faults: names, durationMs: 60_000 });
  expect(plan(1)).not.toEqual(plan(2));
});

test("options that make no plan are refused with their value", () => {
  const plan = (more: Partial<FaultPlanOptions>) =>
    planFaults(seededRandom(1), { faults: names, durationMs: 60_000, ...more });
  expect(() => plan({ faults: [] })).toThrow(/faults must name at least one/);
  expect(() => plan({ faults: ["kill", "kill"] })).toThrow(/got kill twice/);
  expect(() => plan({ mostAtOnce: 0 })).toThrow(/mostAtOnce.*from 1, got 0/);
  expect(() => plan({ shortestMs: 10, longestMs: 5 })).toThrow(/longestMs.*from 10, got 5/);
  expect(() => plan({ durationMs: 2499 })).toThrow(/durationMs.*from 2500, got 2499/);
});
