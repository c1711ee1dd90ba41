// `make gate`: this checkout against a base, in one paired run. Ends with 0 for PASS, 1 for FAIL, 2 for INCONCLUSIVE, 3 when there
// could be no verdict, 130 when interrupted. Progress goes to standard error; the last line of standard output is the folder.

import { join, relative } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { planGate } from "./gate/gate-plan.ts";
import { counterRows, headline, timingRows } from "./gate/gate-words.ts";
import { writeGate } from "./gate/write-gate.ts";
import { compareWithBase } from "./gate-command.ts";
import { readGateSettings } from "./gate-settings.ts";
import { writeHistory } from "./history/write-history.ts";
import { createProgress } from "./report/progress.ts";
import { loadShop } from "./shop-source.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const exitCodes = { PASS: 0, FAIL: 1, INCONCLUSIVE: 2 } as const;
const noVerdict = 3;

async function gate(signal: AbortSignal): Promise<number> {
  const settings = readGateSettings(process.env);
  const plan = planGate(settings.minutes);
  const began = performance.now();
  const progress = createProgress(
    process.stderr,
    settings.minutes * 60,
    () => (performance.now() - began) / 1000,
  );
  try {
    const onStep = (text: string, done: number): void => progress.step(text, done, plan.restarts);
    const source = await loadShop(settings);
    const record = await compareWithBase({
      settings,
      plan,
      source,
      planted: settings.planted,
      onStep,
      signal,
    });
    const reports = join(repositoryRoot, "reports");
    const directory = await writeGate(reports, record);
    await writeHistory(reports);
    progress.end();
    const rows = [...timingRows(record), ...counterRows(record)].map((row) => `  ${row.join(" · ")}`);
    const notes = record.warnings.map((warning) => `note: ${warning}`);
    process.stdout.write(`${[headline(record), ...rows, ...notes].join("\n")}\n`);
    process.stdout.write(`${relative(process.cwd(), directory)}\n`);
    return exitCodes[record.verdict.outcome];
  } finally {
    progress.end();
  }
}

const interrupt = abortOnSignals(process.stderr);

try {
  process.exitCode = await gate(interrupt);
} catch (error) {
  process.stderr.write(`\nno verdict: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : noVerdict;
}
