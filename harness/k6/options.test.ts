import { describe, expect, test } from "vitest";
import { parseDuration } from "./duration.ts";
import { RunFailure } from "./exit-codes.ts";
import { parseOptions } from "./options.ts";

test.each([
  ["1m30s", 90_000],
  ["250ms", 250],
  ["1.5s", 1_500],
  ["1h", 3_600_000],
  [20, 20],
  ["20", 20],
  ["", undefined],
  ["5 s", undefined],
  ["s", undefined],
  [-1, undefined],
])("the duration %j is %j ms", (given, expected) => {
  expect(parseDuration(given)).toBe(expected);
});

const scenario = (value: object) => ({ scenarios: { one: value } });
const rate = { executor: "constant-arrival-rate", rate: 5, duration: "1s", preAllocatedVUs: 1 };

describe("options", () => {
  test("none are one iteration of one user", () => {
    expect(parseOptions(undefined).scenarios).toMatchObject([
      { name: "default", exec: "default", executor: { kind: "shared-iterations", vus: 1, iterations: 1 } },
    ]);
  });

  test("have k6's defaults", () => {
    const { scenarios, summaryTrendStats } = parseOptions(scenario(rate));
    expect(scenarios).toMatchObject([
      { startTimeMs: 0, gracefulStopMs: 30_000, executor: { maxVUs: 1, timeUnitMs: 1_000 } },
    ]);
    expect(summaryTrendStats).toEqual(["avg", "min", "med", "max", "p(90)", "p(95)"]);
  });

  test.each([
    [{ scenario: {} }, 'options: unknown key "scenario"'],
    [scenario({ ...rate, vus: 1 }), 'scenario one: unknown key "vus"'],
    [scenario({ ...rate, rate: 1.5 }), "scenario one: rate is 1.5; it must be a whole number from 1"],
    [
      scenario({ ...rate, duration: "soon" }),
      'scenario one: duration is "soon"; it must be a duration such as "30s"',
    ],
    [scenario({ ...rate, maxVUs: 0 }), "scenario one: maxVUs is 0; it must be a whole number from 1"],
    [
      scenario({ executor: "externally-controlled" }),
      'scenario one: executor "externally-controlled" is not known',
    ],
    [
      scenario({ executor: "ramping-vus", stages: [{ duration: "1s" }] }),
      "scenario one, stage 1: target is missing",
    ],
    [{ thresholds: { checks: ["rate is 1"] } }, 'thresholds of checks: "rate is 1" is not like "p(99)<250"'],
    [{ thresholds: { "a{b}": ["rate>1"] } }, '"a{b}": "b" is not tag:value'],
    [{ summaryTrendStats: ["p(200)"] }, "summaryTrendStats"],
  ])("%j is refused", (given, told) => {
    expect(() => parseOptions(given)).toThrow(RunFailure);
    expect(() => parseOptions(given)).toThrow(told);
  });
});
