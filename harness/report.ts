// `make report`: measures what each optimization buys and writes the report. Progress goes to standard error; the last line of
// standard output is the path of report.json. Ends with 1 and a message when it cannot, with 130 when interrupted; whatever was
// started is stopped either way.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { planClusterRun } from "./experiment/ablation-plan.ts";
import { readMachine, readPressure } from "./experiment/machine.ts";
import {
  type ClusterExperimentOptions,
  runClusterExperiments,
} from "./experiment/run-cluster-experiments.ts";
import { runExperiment } from "./experiment/run-experiment.ts";
import { planRun } from "./experiment/run-plan.ts";
import { timerJitter } from "./experiment/timer-jitter.ts";
import { checksOf } from "./history/checks-of.ts";
import { readRuns } from "./history/read-runs.ts";
import { writeHistory } from "./history/write-history.ts";
import { assembleCluster, clusterProblems } from "./report/assemble-cluster.ts";
import { assembleRecord } from "./report/assemble-record.ts";
import { clusterInShort } from "./report/cluster-words.ts";
import { gitState, lockHash } from "./report/git-state.ts";
import { profileFile } from "./report/profile-record.ts";
import { createProgress } from "./report/progress.ts";
import { findings } from "./report/summary.ts";
import { runId, writeReport } from "./report/write-report.ts";
import { commandOf, type ReportSettings, readSettings } from "./report-settings.ts";
import { openShapedLink, shapedLink } from "./shaped-link.ts";
import { loadShop } from "./shop-source.ts";
import { pinProcess, planCores } from "./sut/pinning.ts";
import { repositoryRoot } from "./sut/start-system.ts";

/** The same for every arm: a young generation that fits a server's garbage. */
const nodeFlags = ["--max-semi-space-size=16"];

async function report(settings: ReportSettings, signal: AbortSignal): Promise<string> {
  const startedAt = new Date();
  const began = performance.now();
  const elapsedSeconds = () => (performance.now() - began) / 1000;
  const plan = planRun(settings);
  const clusterPlan = planClusterRun(settings);
  const progress = createProgress(
    process.stderr,
    plan.totalSeconds + (clusterPlan?.seconds ?? 0),
    elapsedSeconds,
  );
  progress.step("reading the data", 0, plan.restarts);
  const source = await loadShop(settings);
  const [git, lock, machine, before] = await Promise.all([
    gitState(repositoryRoot),
    lockHash(repositoryRoot),
    readMachine(),
    readPressure(),
  ]);
  const jitter = await timerJitter();
  const cores = planCores();
  pinProcess(process.pid, cores.generator);
  const directory = await mkdtemp(join(tmpdir(), "grpc-ecommerce-report-"));
  try {
    const experiment = await runExperiment({
      plan,
      seed: settings.seed,
      shop: source.shop,
      directory,
      cores,
      nodeFlags,
      openLink: openShapedLink,
      elapsedSeconds,
      onStep: (text, done) => progress.step(text, done, plan.restarts),
      signal,
    });
    const gateway =
      clusterPlan === undefined
        ? { cluster: undefined, clusterProblems: [] }
        : await measureCluster({
            plan: clusterPlan,
            seed: settings.seed,
            shop: source.shop,
            directory,
            cores,
            nodeFlags,
            onStep: progress.step,
            signal,
          });
    progress.step("writing the report", plan.restarts, plan.restarts);
    const reports = join(repositoryRoot, "reports");
    const record = assembleRecord({
      run: {
        id: runId(startedAt, git.commit, settings.quick),
        quick: settings.quick,
        seed: settings.seed,
        command: commandOf(settings),
        commit: git.commit,
        dirty: git.dirty,
        startedAt: startedAt.toISOString(),
        elapsedSeconds: elapsedSeconds(),
      },
      plan,
      experiment,
      ...gateway,
      data: source.data,
      link: shapedLink,
      machine,
      before,
      after: await readPressure(),
      timerJitter: jitter,
      pinning: cores.statement,
      lockHash: lock,
      checks: checksOf((await readRuns(reports)).data, git.commit),
    });
    const profile = experiment.blocks.find((block) => block.profile !== undefined)?.profile;
    const beside = profile === undefined ? {} : { [profileFile]: JSON.stringify(profile.profile) };
    const file = await writeReport(reports, record, beside);
    await writeHistory(reports);
    progress.end();
    for (const { subject, outcome } of findings(record)) process.stdout.write(`${subject}: ${outcome}\n`);
    if (record.cluster !== undefined) process.stdout.write(clusterInShort(record.cluster));
    return file;
  } finally {
    progress.end();
    await rm(directory, { recursive: true, force: true });
  }
}

/** A run that fails here keeps what was measured before: the report says what is missing, and the command ends with 1. */
async function measureCluster(options: ClusterExperimentOptions) {
  try {
    const cluster = assembleCluster(await runClusterExperiments(options), options.plan);
    if (cluster.design.failure !== null) process.exitCode = 1;
    return { cluster, clusterProblems: clusterProblems(cluster) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!options.signal.aborted) process.exitCode = 1;
    const how = options.signal.aborted ? "were interrupted before they began" : "failed";
    return { cluster: undefined, clusterProblems: [`The experiments with a gateway ${how}: ${reason}`] };
  }
}

const interrupt = abortOnSignals(process.stderr);

try {
  const file = await report(readSettings(process.env), interrupt);
  const page = join(file, "..", "index.html");
  if (interrupt.aborted) process.exitCode = 130;
  process.stdout.write(`page: ${relative(process.cwd(), page)}\n${relative(process.cwd(), file)}\n`);
} catch (error) {
  process.stderr.write(`\nno report: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 1;
}
