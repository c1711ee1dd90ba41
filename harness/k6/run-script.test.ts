// The runner against scripts, each in a process of its own: what k6 does with them is what they must see here.
import { describe, expect, test } from "vitest";
import { startEchoShop } from "./testing/echo-shop.ts";
import { runFixture } from "./testing/run-fixture.ts";

const values = (summary: Awaited<ReturnType<typeof runFixture>>["summary"], name: string) =>
  summary?.metrics[name]?.values ?? {};

test("every kind of call, and what a script sees of it", async () => {
  await using shop = await startEchoShop();
  const { code, stdout, stderr, summary } = await runFixture("calls", { ADDRESS: shop.address });
  const checks = summary?.root_group.checks ?? [];
  const failed = checks.filter(({ fails }) => fails > 0).map(({ name, passes }) => `${name}: ${passes}`);
  expect(failed, stderr).toEqual(["a check that fails: 0"]);
  expect(checks.find(({ name }) => name === "an iteration waits for its timers")?.passes).toBe(4);
  expect(stdout).toBe("summary of the script's own\n");
  expect(code, stderr).toBe(0);
  expect(values(summary, "seen")).toMatchObject({ count: 8 });
  expect(values(summary, "level")).toMatchObject({ min: 1, max: 2 });
  expect(values(summary, "odd")).toEqual({ rate: 0.5, passes: 2, fails: 2 });
  expect(summary?.metrics.took).toMatchObject({ type: "trend", contains: "time", values: { count: 4 } });
  // Each user counts from 1: a module of its own.
  expect(values(summary, "isolation")).toMatchObject({ min: 1, max: 2, count: 4 });
  expect(values(summary, "iterations")).toMatchObject({ count: 4 });
  expect(values(summary, "grpc_streams")).toMatchObject({ count: 16 });
  expect(values(summary, "grpc_streams_msgs_sent")).toMatchObject({ count: 4 * 7 });
  expect(values(summary, "grpc_streams_msgs_received")).toMatchObject({ count: 4 * 7 });
  expect(summary?.metrics["seen{colour:red}"]).toMatchObject({
    values: { count: 4 },
    thresholds: { "count==4": { ok: true } },
  });
  expect(summary?.setup_data).toEqual({ greeting: "hello" });
});

test("every executor begins as many iterations as it is told, and counts what it could not begin", async () => {
  const { code, stderr, summary } = await runFixture("executors", {});
  expect(code, stderr).toBe(0);
  // 40 + 20 + 5 by rate, 12 and 7 by number, 2 dropping users that run, the paced ones, the late one; the hanging ones do not count.
  const fixed = 40 + 20 + 5 + 12 + 7 + 2 + 1;
  const { count = 0 } = values(summary, "iterations");
  const paced = count - fixed;
  expect(paced).toBeGreaterThanOrEqual(2 * 5);
  expect(paced).toBeLessThanOrEqual(2 * 10 + 4 * 14);
  expect(values(summary, "dropped_iterations")).toMatchObject({ count: 8 });
  expect(values(summary, "began_after").min).toBeGreaterThanOrEqual(300);
});

describe.concurrent("a run ends with", () => {
  test.each([
    ["good", 0, ""],
    ["threshold", 99, "threshold failed: checks: rate>1"],
    ["abortOnFail", 99, "threshold failed: checks: rate>1"],
    ["misspelt", 104, 'scenario once: unknown key "iteration"'],
    ["noMetric", 104, "a threshold names the metric nothing, which there is not"],
    ["noExec", 104, 'function "nothing" is not exported'],
    ["init", 107, "thrown while loading"],
    ["setup", 107, "thrown in setup"],
    ["setupTimeout", 100, "setup took more than 50 ms"],
    ["abort", 108, "test aborted: enough"],
    ["throwing", 0, "error in once: Error: thrown in an iteration"],
    ["busy", 98, "generator saturated"],
  ])("%s: %i", async (which, expected, told) => {
    const { code, stderr } = await runFixture("endings", { CASE: which });
    expect(stderr).toContain(told);
    expect(code).toBe(expected);
  });

  test("a signal: 105", async () => {
    const { code, stderr } = await runFixture("endings", { CASE: "signal" }, "1s of");
    expect(code, stderr).toBe(105);
  });
});
