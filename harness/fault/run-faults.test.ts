import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import type { Fault } from "./fault.ts";
import { planFaults } from "./fault-schedule.ts";
import type { LinkClock } from "./link-clock.ts";
import { runFaults } from "./run-faults.ts";

const never = new AbortController().signal;

test("faults strike and heal in the order and after the times of the plan", async () => {
  const { log, fault } = logged();
  const plan = [
    { atMs: 100, forMs: 200, fault: "a" },
    { atMs: 200, forMs: 300, fault: "b" },
    { atMs: 300, forMs: 50, fault: "a" },
  ];
  const record = await runFaults(plan, [fault("a"), fault("b")], { signal: never, clock: leapingClock() });
  expect(log.slice(0, 6)).toEqual(["a strikes", "b strikes", "a heals", "a strikes", "a heals", "b heals"]);
  expect(record).toEqual([
    { fault: "a", about: "about a", struckAtMs: 100, healedAtMs: 300 },
    { fault: "a", about: "about a", struckAtMs: 300, healedAtMs: 350 },
    { fault: "b", about: "about b", struckAtMs: 200, healedAtMs: 500 },
  ]);
});

test("what a fault itself takes comes on top: it is on for as long as planned, and never with more than planned", async () => {
  const clock = leapingClock();
  const { log, fault } = logged();
  const slow = fault("slow", { heal: () => new Promise((resolve) => clock.after(1000, resolve)) });
  const plan = [
    { atMs: 100, forMs: 100, fault: "slow" },
    { atMs: 200, forMs: 100, fault: "b" },
  ];
  const record = await runFaults(plan, [slow, fault("b")], { signal: never, clock });
  expect(log.slice(0, 4)).toEqual(["slow strikes", "slow heals", "b strikes", "b heals"]);
  expect(record.map(({ struckAtMs, healedAtMs }) => [struckAtMs, healedAtMs])).toEqual([
    [100, 1200],
    [1200, 1300],
  ]);
});

test("every fault is healed at the end, wherever the run is stopped", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(30), async (seed, most) => {
      const stopping = new AbortController();
      const { log, fault } = logged();
      const names = ["a", "b", "c"];
      const plan = planFaults(seededRandom(seed), { faults: names, durationMs: 30_000, mostAtOnce: 2 });
      const record = await runFaults(
        plan,
        names.map((name) => fault(name)),
        {
          signal: stopping.signal,
          clock: leapingClock(),
          onStep: () => log.length >= most && stopping.abort(),
        },
      );
      for (const name of new Set(plan.map(({ fault }) => fault))) {
        expect(log.lastIndexOf(`${name} heals`)).toBeGreaterThan(log.lastIndexOf(`${name} strikes`));
      }
      expect(record).toHaveLength(log.filter((line) => line.endsWith("strikes")).length);
    }),
  );
});

test("a fault that cannot strike ends the run with its error, and everything is healed", async () => {
  const { log, fault } = logged();
  const broken = fault("broken", { strike: () => Promise.reject(new Error("no such process")) });
  const plan = [
    { atMs: 0, forMs: 300, fault: "a" },
    { atMs: 100, forMs: 100, fault: "broken" },
    { atMs: 200, forMs: 100, fault: "a" },
  ];
  const running = runFaults(plan, [fault("a"), broken], { signal: never, clock: leapingClock() });
  await expect(running).rejects.toThrow("no such process");
  expect(log).toEqual(["a strikes", "broken strikes", "a heals", "broken heals"]);
});

test("one that cannot heal does not keep the others from it", async () => {
  const { log, fault } = logged();
  const broken = fault("broken", { heal: () => Promise.reject(new Error("still paused")) });
  const plan = [
    { atMs: 0, forMs: 100, fault: "broken" },
    { atMs: 50, forMs: 200, fault: "a" },
  ];
  const running = runFaults(plan, [broken, fault("a")], { signal: never, clock: leapingClock() });
  await expect(running).rejects.toThrow(/still paused/);
  expect(log.at(-1)).toBe("a heals");
});

test("a plan that names a fault that is not there is refused before anything strikes", async () => {
  const { log, fault } = logged();
  const plan = [
    { atMs: 0, forMs: 1, fault: "a" },
    { atMs: 1, forMs: 1, fault: "flood" },
  ];
  await expect(runFaults(plan, [fault("a")], { signal: never })).rejects.toThrow(/flood.*none of a/);
  expect(log).toEqual([]);
});

/** Faults that write down what is done to them. */
function logged() {
  const log: string[] = [];
  const fault = (name: string, does: Partial<Pick<Fault, "strike" | "heal">> = {}): Fault => ({
    name,
    about: `about ${name}`,
    strike: async () => {
      log.push(`${name} strikes`);
      await does.strike?.();
    },
    heal: async () => {
      log.push(`${name} heals`);
      await does.heal?.();
    },
  });
  return { log, fault };
}

/** Time passes only where somebody waits for it, and then at once. */
function leapingClock(): LinkClock {
  let nowMs = 5000;
  return {
    nowMs: () => nowMs,
    after: (ms, task) => {
      const immediate = setImmediate(() => {
        nowMs += ms;
        task();
      });
      return () => clearImmediate(immediate);
    },
  };
}
