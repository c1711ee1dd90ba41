// `make gate-calibrate`: the gate on identical builds, then with 5 % of CPU, latency and bytes planted in head, and a gross
// regression, MINUTES (default 3) each; then thousands of gates resampled from the slices of the first. Ends with 1 when identical
// builds FAIL or the gross regression does not, or resampled false alarms are shown to exceed the rule's alpha.

import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { abortOnSignals } from "./abort-on-signals.ts";
import { calibrationMarkdown, type LiveGate, resampledRates } from "./gate/calibration.ts";
import { defaultRule } from "./gate/decision.ts";
import { planGate } from "./gate/gate-plan.ts";
import type { GateRecord } from "./gate/gate-record.ts";
import { headline } from "./gate/gate-words.ts";
import { median } from "./gate/median.ts";
import type { Planted } from "./gate/planted.ts";
import { CALIBRATION_FILE, type PublishedCalibration } from "./gate/published-calibration.ts";
import { writeGate } from "./gate/write-gate.ts";
import { compareWithBase } from "./gate-command.ts";
import { readGateSettings } from "./gate-settings.ts";
import { seededRandom } from "./random/seeded-random.ts";
import { createProgress } from "./report/progress.ts";
import { loadShop } from "./shop-source.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const plantedShare = 0.05;
const liveGates = 5;

async function calibrate(signal: AbortSignal): Promise<boolean> {
  const settings = readGateSettings(process.env, { base: "HEAD", minutes: 3 });
  const plan = planGate(settings.minutes);
  const source = await loadShop(settings);
  const reports = join(repositoryRoot, "reports");
  const began = performance.now();
  const progress = createProgress(
    process.stderr,
    liveGates * settings.minutes * 60,
    () => (performance.now() - began) / 1000,
  );
  const live: LiveGate[] = [];
  const run = async (what: string, expected: LiveGate["expected"], planted: Planted): Promise<GateRecord> => {
    const onStep = (text: string): void => progress.step(`${what}: ${text}`, live.length, liveGates);
    const record = await compareWithBase({
      ...{ settings, plan, source, planted, onStep, signal },
      stopEarly: expected === "FAIL",
    });
    live.push({ what, expected, record });
    process.stdout.write(`${what}: ${headline(record)}\n`);
    await writeGate(reports, record);
    return record;
  };
  const same = await run("identical builds", "not FAIL", {});
  const { p50Micros, wireBytes } = levelsOf(same);
  await run("5 % more CPU per call", "FAIL", { burnShare: plantedShare });
  await run("5 % of the median latency slept in each call", "FAIL", { wait: plantedShare * p50Micros });
  await run("5 % more bytes per call", "FAIL", { pad: plantedShare * wireBytes });
  await run("three times the CPU per call", "FAIL", { burnShare: 2 });
  progress.end();
  const resampled = resampledRates(same, seededRandom(settings.seed));
  const directory = join(reports, "gate", `${same.id}-calibration`);
  await mkdir(directory, { recursive: true });
  const markdown = calibrationMarkdown(live, resampled);
  await writeFile(join(directory, "calibration.md"), markdown);
  const summary = live.map(({ what, expected, record }) => ({
    what,
    expected,
    outcome: record.verdict.outcome,
    id: record.id,
  }));
  const written: PublishedCalibration = {
    startedAt: same.startedAt,
    minutes: settings.minutes,
    fingerprint: same.fingerprint,
    seed: settings.seed,
    live: summary,
    resampled,
  };
  const json = `${JSON.stringify(written, null, 1)}\n`;
  await writeFile(join(directory, "calibration.json"), json);
  if (settings.publish) {
    await writeFile(join(repositoryRoot, "docs", "gate-calibration.md"), markdown);
    await writeFile(join(repositoryRoot, CALIBRATION_FILE), json);
  }
  process.stdout.write(`${markdown}\n${relative(process.cwd(), directory)}\n`);
  const falseAlarms = resampled[0]?.rates.fail.low ?? 1;
  const [first, last] = [live[0]?.record.verdict.outcome, live.at(-1)?.record.verdict.outcome];
  return first !== "FAIL" && last === "FAIL" && falseAlarms <= defaultRule.alpha;
}

/** Medians of base over all slices. */
function levelsOf({ restarts }: GateRecord): { p50Micros: number; wireBytes: number } {
  const middle = (values: readonly (number | null)[]): number => {
    const found = median(values.filter((value) => value !== null));
    if (Number.isNaN(found)) throw new Error("the run of identical builds has no levels to plant a share of");
    return found;
  };
  return {
    p50Micros: 1000 * middle(restarts.flatMap(({ latency }) => latency.map(({ base }) => base.p50Ms))),
    wireBytes: middle(restarts.map(({ counters }) => counters.base.wireBytesPerCall)),
  };
}

const interrupt = abortOnSignals(process.stderr);

try {
  process.exitCode = (await calibrate(interrupt)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\nno calibration: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupt.aborted ? 130 : 3;
}
