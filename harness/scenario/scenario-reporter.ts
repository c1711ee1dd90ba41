// Makes a table of claims of a test run, and a file for the report. For vitest: `--reporter=harness/scenario/scenario-reporter.ts`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import type { Reporter, TestCase, TestModule } from "vitest/node";
import { claimOf, type ScenarioResult, type ScenarioRun, tableOf } from "./scenario-table.ts";

const MOST_NOTES = 5;
const NOTE_LENGTH = 160;

// biome-ignore lint/style/noDefaultExport: vitest takes a reporter from the default export.
export default class ScenarioReporter implements Reporter {
  readonly #startedAt = new Date();

  onTestModuleEnd(module: TestModule): void {
    const { suite, verdict, claim } = resultOf(module);
    process.stderr.write(`${verdict} ${suite}: ${claim}\n`);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { SEED = "1", SCENARIO_COMMAND = "make scenarios", SCENARIO_RESULT } = process.env;
    const { SCENARIO_COMMIT = "", SCENARIO_DIRTY, SCENARIO_NOTES = "" } = process.env;
    const results = modules.map(resultOf).sort((a, b) => a.scenario.localeCompare(b.scenario));
    const run: ScenarioRun = {
      startedAt: this.#startedAt.toISOString(),
      elapsedSeconds: (Date.now() - this.#startedAt.getTime()) / 1_000,
      commit: SCENARIO_COMMIT,
      dirty: SCENARIO_DIRTY !== "0",
      seed: Number(SEED),
      command: SCENARIO_COMMAND,
      notes: SCENARIO_NOTES.split("\n").filter((note) => note !== ""),
      results,
    };
    process.stdout.write(`\n${tableOf(run)}\n`);
    if (SCENARIO_RESULT === undefined) return;
    mkdirSync(dirname(SCENARIO_RESULT), { recursive: true });
    writeFileSync(SCENARIO_RESULT, `${JSON.stringify(run, undefined, 2)}\n`);
  }
}

function resultOf(module: TestModule): ScenarioResult {
  const scenario = relative(process.cwd(), module.moduleId);
  const cases = [...module.children.allTests()];
  const by = (state: string): TestCase[] => cases.filter((test) => test.result().state === state);
  const [passed, failed, skipped] = [by("passed"), by("failed"), by("skipped")];
  const broken = module.errors().map(({ message }) => message);
  const verdict = failed.length + broken.length > 0 ? "FAIL" : passed.length > 0 ? "PASS" : "SKIP";
  const notes = [...broken, ...failed.map(failure), ...skipped.map(skipReason)];
  return {
    suite: scenario.split("/")[1] ?? "",
    scenario,
    claim: claimOf(readFileSync(module.moduleId, "utf8")) ?? scenario,
    verdict,
    passed: passed.length,
    failed: failed.length,
    skipped: skipped.length,
    seconds: module.diagnostic().duration / 1_000,
    notes: notes.slice(0, MOST_NOTES).map((note) => note.split("\n")[0]?.slice(0, NOTE_LENGTH) ?? ""),
  };
}

function failure(test: TestCase): string {
  return `${test.name}: ${test.result().errors?.[0]?.message ?? "failed"}`;
}

function skipReason(test: TestCase): string {
  const result = test.result();
  const note = result.state === "skipped" ? result.note : undefined;
  return `skipped: ${test.name}${note === undefined ? "" : ` (${note})`}`;
}
