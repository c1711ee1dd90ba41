import { expect, test } from "vitest";
import { exportedSummary } from "./k6/summary.ts";
import { scriptSummary } from "./load-summary.ts";

const ok = (holds: boolean) => ({ ok: holds });
const exported = JSON.stringify(
  exportedSummary({
    root_group: {
      name: "",
      path: "",
      id: "",
      groups: [],
      checks: [{ name: "answered", passes: 3, fails: 0 }],
    },
    options: {},
    state: { isStdErrTTY: false, isStdOutTTY: false, testRunDurationMs: 1 },
    metrics: {
      checks: {
        type: "rate",
        contains: "default",
        values: { rate: 1, passes: 3, fails: 0 },
        thresholds: { "rate>0.99": ok(true) },
      },
      grpc_req_duration: { type: "trend", contains: "time", values: { med: 2.5, "p(99)": 80 } },
      "grpc_req_duration{method:GetProduct}": {
        type: "trend",
        contains: "time",
        values: { med: 2, "p(99)": 300 },
        thresholds: { "p(95)<100": ok(true), "p(99)<250": ok(false) },
      },
      iterations: { type: "counter", contains: "default", values: { count: 1500, rate: 100 } },
      dropped_iterations: { type: "counter", contains: "default", values: { count: 2, rate: 0.1 } },
    },
  }),
);

test("a summary is exported as k6 does it: rates are called value, and thresholds say whether they were broken", () => {
  expect(JSON.parse(exported).metrics).toMatchObject({
    checks: { value: 1, passes: 3, thresholds: { "rate>0.99": false } },
    "grpc_req_duration{method:GetProduct}": { thresholds: { "p(95)<100": false, "p(99)<250": true } },
    iterations: { count: 1500, rate: 100 },
  });
  expect(JSON.parse(exported).root_group.checks.answered).toMatchObject({ passes: 3, fails: 0 });
});

test("a script that broke a threshold fails, and says which, how late calls were and what was dropped", () => {
  const { verdict, measured } = scriptSummary({
    script: "browse",
    engine: "k6",
    exitCode: 99,
    summary: exported,
  });
  expect(verdict).toEqual({
    claim: "browse keeps its thresholds",
    outcome: "fail",
    checked: 3,
    evidence: [
      "2 of 3 thresholds held, exit code 99.",
      "Broken: grpc_req_duration{method:GetProduct} p(99)<250.",
      "Latency: p50 2.5 ms, p99 80 ms.",
      "Latency of method:GetProduct: p50 2 ms, p99 300 ms.",
      "1\u2009500 iterations, 2 dropped.",
    ],
  });
  expect(measured.map(({ metric, value }) => [metric, value])).toEqual([
    ["p50 latency", 2.5],
    ["p99 latency", 80],
    ["iterations", 100],
    ["dropped iterations", 2],
  ]);
});

test("a script whose generator was too busy neither passes nor fails", () => {
  const { verdict } = scriptSummary({ script: "a", engine: "built-in", exitCode: 98, summary: exported });
  expect(verdict.outcome).toBe("unknown");
  expect(verdict.evidence).toContain("The generator was too busy to be believed.");
});

test("a script without a summary is no pass", () => {
  expect(
    scriptSummary({ script: "a", engine: "k6", exitCode: 107, summary: undefined }).verdict.outcome,
  ).toBe("fail");
  expect(scriptSummary({ script: "a", engine: "k6", exitCode: 0, summary: undefined }).verdict.outcome).toBe(
    "unknown",
  );
});
