import fc from "fast-check";
import { expect, test } from "vitest";
import type { Outcome } from "./history.ts";
import { linearizable } from "./linearizable.ts";
import { type StockChange, type StockOperation, stockCounter, stockIsLinearizable } from "./stock-counter.ts";

const look: StockChange = { what: "read", units: 0n };
const receive = (units: bigint): StockChange => ({ what: "receive", units });
const reserve = (units: bigint): StockChange => ({ what: "reserve", units: -units });

function op(
  [calledAt, returnedAt]: readonly [number, number],
  input: StockChange,
  output?: bigint,
  outcome: Outcome = "ok",
): StockOperation {
  return { key: "p", input, outcome, calledAt, returnedAt, ...(output === undefined ? {} : { output }) };
}

test.each<[string, readonly StockOperation[]]>([
  ["one after another", [op([0, 1], receive(5n), 5n), op([2, 3], reserve(2n)), op([4, 5], look, 3n)]],
  ["a reading that overlaps a change sees it", [op([0, 9], receive(5n), 5n), op([1, 2], look, 5n)]],
  ["or does not", [op([0, 9], receive(5n), 5n), op([1, 2], look, 0n)]],
  [
    "a change in doubt that took effect long after",
    [
      op([0, 1], receive(5n), 5n),
      op([2, 3], reserve(4n), undefined, "unknown"),
      op([4, 5], look, 5n),
      op([8, 9], look, 1n),
    ],
  ],
  [
    "one in doubt that never did",
    [op([0, 1], receive(5n), 5n), op([2, 3], reserve(4n), undefined, "unknown"), op([4, 5], look, 5n)],
  ],
  [
    "a refusal of what another held at that moment",
    [
      op([0, 1], receive(5n), 5n),
      op([2, 9], reserve(4n)),
      op([3, 4], reserve(3n), undefined, "fail"),
      op([10, 11], look, 1n),
    ],
  ],
])("%s is legal", (_, history) => {
  expect(stockIsLinearizable(history)).toMatchObject({ outcome: "pass", checked: expect.any(Number) });
});

test.each<[string, readonly StockOperation[], string]>([
  ["a lost change", [op([0, 1], receive(5n), 5n), op([2, 3], look, 0n)], "read ended ok with 0"],
  ["one made twice", [op([0, 1], receive(5n), 5n), op([2, 3], look, 10n)], "read ended ok with 10"],
  [
    "a reading that goes back",
    [op([0, 9], receive(5n), 5n), op([1, 2], look, 5n), op([3, 4], look, 0n)],
    "read ended ok with 0",
  ],
  ["an oversell", [op([0, 1], receive(5n), 5n), op([2, 3], reserve(6n))], "reserve -6 ended ok"],
  [
    "a refusal without a reason",
    [op([0, 1], receive(5n), 5n), op([2, 3], reserve(5n), undefined, "fail")],
    "reserve -5 ended fail",
  ],
  [
    "one in doubt that took effect before it was sent",
    [
      op([0, 1], receive(5n), 5n),
      op([2, 3], look, 1n),
      op([4, 5], look, 1n),
      op([6, 7], reserve(4n), undefined, "unknown"),
    ],
    "read ended ok with 1",
  ],
  [
    "one in doubt that took effect twice",
    [
      op([0, 1], receive(9n), 9n),
      op([2, 3], reserve(4n), undefined, "unknown"),
      op([4, 5], look, 5n),
      op([6, 7], look, 1n),
    ],
    "read ended ok with 1",
  ],
])("%s is found", (_, history, evidence) => {
  expect(stockIsLinearizable(history)).toMatchObject({
    outcome: "fail",
    evidence: [expect.stringContaining(evidence)],
  });
});

test("keys have nothing to do with each other, and each that is wrong is named", () => {
  const other = { ...op([2, 3], look, 0n), key: "q" };
  expect(stockIsLinearizable([op([0, 1], receive(5n), 5n), other])).toMatchObject({ outcome: "pass" });
  const wrong = { ...op([4, 5], look, 1n), key: "q" };
  expect(stockIsLinearizable([op([0, 1], receive(5n), 5n), wrong])).toMatchObject({
    outcome: "fail",
    evidence: [expect.stringMatching(/^q: after 0 of 1/)],
  });
});

test("what takes too long to judge is not known, and neither is nothing", () => {
  const history = [op([0, 1], receive(5n), 5n), op([0, 1], receive(1n), 6n), op([2, 3], look, 4n)];
  expect(linearizable("", history, stockCounter, { mostSteps: 1 })).toMatchObject({
    outcome: "unknown",
    evidence: [expect.stringContaining("in 1 steps")],
  });
  expect(stockIsLinearizable([]).outcome).toBe("unknown");
});

/** Moments at which operations really took effect, one after another, with how early each was called and how late it was answered. */
const steps = fc.array(
  fc.record({
    input: fc.oneof(
      fc.constant(look),
      fc.bigInt(1n, 9n).map(receive),
      fc.bigInt(1n, 9n).map(reserve),
      fc.bigInt(-9n, -1n).map((units): StockChange => ({ what: "adjust", units })),
    ),
    early: fc.nat(4),
    late: fc.nat(4),
    answered: fc.integer({ min: 0, max: 9 }).map((chance) => chance > 0),
    tells: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

type Steps = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** What was seen of a run that is right by construction. */
function seen(run: Steps): StockOperation[] {
  let available = 0n;
  return run.map(({ input, early, late, answered, tells }, at) => {
    const enough = available + input.units >= 0n;
    if (enough) available += input.units;
    const interval = [at - early, at + late] as const;
    if (!answered) return op(interval, input, undefined, "unknown");
    if (!enough) return op(interval, input, undefined, "fail");
    return op(interval, input, tells || input.what === "read" ? available : undefined);
  });
}

test("whatever really happened one after another is accepted, however it overlapped", () => {
  fc.assert(
    fc.property(steps, (run) => {
      const history = seen([...run, { input: look, early: 0, late: 0, answered: true, tells: true }]);
      expect(stockIsLinearizable(history)).toMatchObject({ outcome: "pass", evidence: [] });
    }),
  );
});

test("one answer that was changed is refused", () => {
  const sequential = steps.map((run) => run.map((step) => ({ ...step, early: 0, late: 0, answered: true })));
  fc.assert(
    fc.property(sequential, fc.nat(), fc.bigInt(1n, 9n), (run, which, by) => {
      const history = seen([...run, { input: look, early: 0, late: 0, answered: true, tells: true }]);
      const told = history.filter(({ output }) => output !== undefined);
      const wrong = told[which % told.length];
      const changed = history.map((operation) =>
        operation === wrong ? { ...operation, output: (operation.output ?? 0n) + by } : operation,
      );
      expect(stockIsLinearizable(changed).outcome).toBe("fail");
    }),
  );
});
