// `make chaos`: kills the shop, or strikes it with faults, at random points under a running load, and checks afterwards what everyone saw
// and what the books say. Progress goes to standard error, the table to standard output. Ends with 1 when a claim fails or is not known
// to hold.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { type ChaosRecord, chaosTable, faultRecords } from "./chaos/chaos-record.ts";
import type { ChaosRun } from "./chaos/chaos-run.ts";
import { runFaultPlan } from "./chaos/fault-run.ts";
import { runKills } from "./chaos/kill-run.ts";
import {
  type ChaosSettings,
  type FaultSettings,
  type KillSettings,
  readChaosSettings,
} from "./chaos-settings.ts";
import { writeHistory } from "./history/write-history.ts";
import { gitState } from "./report/git-state.ts";
import { createProgress, type Progress } from "./report/progress.ts";
import { runId } from "./report/write-report.ts";
import { repositoryRoot } from "./sut/start-system.ts";

interface RunParts {
  readonly directory: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

type Outcome = Pick<ChaosRecord, "faults" | "skipped" | "answeredShare"> & {
  readonly run: ChaosRun<unknown>;
};

async function chaos(settings: ChaosSettings, signal: AbortSignal): Promise<ChaosRecord> {
  const startedAt = new Date();
  const began = performance.now();
  const elapsedSeconds = (): number => (performance.now() - began) / 1000;
  const progress = createProgress(process.stderr, undefined, elapsedSeconds);
  const git = await gitState(repositoryRoot);
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-chaos-"));
  try {
    const parts = { directory, progress, signal };
    const { run, ...told } =
      settings.kind === "kills" ? await kills(settings, parts) : await faults(settings, parts);
    return {
      id: runId(startedAt, git.commit, false),
      startedAt: startedAt.toISOString(),
      command: commandOf(settings),
      seed: settings.seed,
      commit: git.commit,
      dirty: git.dirty,
      elapsedSeconds: elapsedSeconds(),
      attempts: run.attempts,
      statuses: run.statuses,
      resumed: run.resumed,
      verdicts: run.verdicts,
      ...told,
    };
  } finally {
    progress.end();
    await rm(directory, { recursive: true, force: true });
  }
}

async function kills(settings: KillSettings, { directory, progress, signal }: RunParts): Promise<Outcome> {
  const { target, seed, kills: count } = settings;
  const onStep = (text: string, done: number): void => progress.step(text, done, count);
  const run = await runKills({ targets: [target], kills: count, seed, directory, onStep, signal });
  const name = target === "shop" ? "kill" : "kill-database";
  const struck = run.recoveryMs.map((ms) => ({ fault: name, about: `kill -9 of the ${target}`, ms }));
  return { run, faults: faultRecords(struck, struck), skipped: [], answeredShare: null };
}

async function faults(settings: FaultSettings, { directory, progress, signal }: RunParts): Promise<Outcome> {
  const { faults: names, durationMs, seed } = settings;
  const began = performance.now();
  const onStep = (text: string): void => {
    const seconds = Math.min(durationMs, performance.now() - began) / 1_000;
    progress.step(text, Math.round(seconds), Math.round(durationMs / 1_000));
  };
  const plan = { faults: names, durationMs };
  const run = await runFaultPlan({ plan, seed, directory, onStep, signal });
  const { struck, recoveries, asked, answered, skipped } = run.disturbed;
  return {
    run,
    faults: faultRecords(struck, recoveries),
    skipped,
    answeredShare: asked === 0 ? null : answered / asked,
  };
}

function commandOf(settings: ChaosSettings): string {
  const { seed } = settings;
  if (settings.kind === "kills")
    return `make chaos TARGET=${settings.target} KILLS=${settings.kills} SEED=${seed}`;
  return `make chaos TIME=${settings.durationMs / 1_000}s FAULTS=${settings.faults.join(",")} SEED=${seed}`;
}

/** Returns the record's file. */
async function keep(record: ChaosRecord): Promise<string> {
  const reports = join(repositoryRoot, "reports");
  const file = join(reports, "chaos", `${record.id}.json`);
  await mkdir(join(reports, "chaos"), { recursive: true });
  await writeFile(file, `${JSON.stringify(record, undefined, 1)}\n`);
  const { problems } = await writeHistory(reports);
  for (const problem of problems) process.stderr.write(`not read: ${problem}\n`);
  return file;
}

const interrupt = abortOnSignals(process.stderr);

try {
  const record = await chaos(readChaosSettings(process.env), interrupt);
  const file = await keep(record);
  process.stdout.write(`${chaosTable(record)}\n${relative(process.cwd(), file)}\n`);
  process.exitCode = record.verdicts.every(({ outcome }) => outcome === "pass") ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nno verdict: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
