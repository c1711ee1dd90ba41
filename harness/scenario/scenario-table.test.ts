import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { claimOf, type ScenarioResult, tableOf } from "./scenario-table.ts";

test("a claim is the comment at the top, however many lines it takes", () => {
  expect(claimOf("// Claim: one thing\n// and another.\nimport x;\n// not this\n")).toBe(
    "one thing and another",
  );
  expect(claimOf("// What it does.\n")).toBeUndefined();
});

const FOLDER = join(import.meta.dirname, "../../scenarios");
const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".test.ts"),
);

test.each(files)("%s states its claim", (file) => {
  expect(claimOf(readFileSync(join(FOLDER, file), "utf8"))).toBeDefined();
});

test("a table has a row for each claim, says what failed, and how to repeat it", () => {
  const good: ScenarioResult = {
    suite: "contract",
    scenario: "scenarios/contract/a.test.ts",
    claim: "a holds",
    verdict: "PASS",
    passed: 3,
    failed: 0,
    skipped: 0,
    seconds: 1.25,
    notes: [],
  };
  const bad: ScenarioResult = {
    ...good,
    suite: "chaos",
    scenario: "scenarios/chaos/b.test.ts",
    claim: "b holds",
    verdict: "FAIL",
    failed: 1,
    notes: ["b: lost"],
  };
  const run = {
    startedAt: "",
    elapsedSeconds: 2.5,
    commit: "",
    dirty: false,
    seed: 7,
    command: "make scenarios SUITE=all SEED=7 TIME=60s",
    notes: ["PostgreSQL: by DATABASE_URL"],
    results: [good, bad],
  };
  expect(tableOf(run).split("\n")).toEqual([
    "scenario    verdict  cases    time     seed  claim",
    "contract/a  PASS       3/3   1.3 s        7  a holds",
    "chaos/b     FAIL       3/4   1.3 s        7  b holds",
    "  b: lost",
    "  again: make scenarios SUITE=chaos/b.test.ts SEED=7 TIME=60s",
    "",
    "PostgreSQL: by DATABASE_URL",
    "1 of 2 claims do not hold; the same again: make scenarios SUITE=all SEED=7 TIME=60s",
  ]);
});
