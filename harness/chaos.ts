// `make chaos`: kills the shop, or its database, at random points under a running load of orders, and checks the books afterwards.
// Progress goes to standard error, the verdicts to standard output. Ends with 1 when a claim fails or is not known to hold.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { type KillRun, runKills } from "./chaos/kill-run.ts";
import { type ChaosSettings, readChaosSettings } from "./chaos-settings.ts";
import { createProgress } from "./report/progress.ts";

async function chaos(settings: ChaosSettings, signal: AbortSignal): Promise<boolean> {
  const began = performance.now();
  const progress = createProgress(process.stderr, undefined, () => (performance.now() - began) / 1000);
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-chaos-"));
  try {
    const { kills, target, seed } = settings;
    const onStep = (text: string, done: number): void => progress.step(text, done, kills);
    const run = await runKills({ targets: [target], kills, seed, directory, onStep, signal });
    progress.end();
    process.stdout.write(`${describe(settings, run)}\n`);
    return run.verdicts.every(({ outcome }) => outcome === "pass");
  } finally {
    progress.end();
    await rm(directory, { recursive: true, force: true });
  }
}

function describe({ target, kills, seed }: ChaosSettings, run: KillRun): string {
  const { ok, fail, unknown } = run.attempts;
  const recovery = run.recoveryMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (recovery[Math.floor(share * (recovery.length - 1))] ?? 0).toFixed(0);
  return [
    `${kills} kills of the ${target}, seed ${seed}`,
    `orders: ${ok} acknowledged, ${fail} refused, ${unknown} unknown to their sender`,
    `states: ${Object.entries(run.statuses)
      .map(([status, count]) => `${status} ${count}`)
      .join(", ")}`,
    `from kill to answer: median ${at(0.5)} ms, longest ${at(1)} ms`,
    ...run.verdicts.flatMap(({ claim, outcome, checked, evidence }) => [
      `${outcome.toUpperCase()} (${checked} checked) ${claim}`,
      ...evidence.map((line) => `  ${line}`),
    ]),
  ].join("\n");
}

const interrupt = abortOnSignals(process.stderr);

try {
  const passed = await chaos(readChaosSettings(process.env), interrupt);
  process.exitCode = passed ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nno verdict: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
