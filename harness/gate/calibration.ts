// What a calibration found, as a record and as Markdown: live gates with what was planted into them, and rates by resampling.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { planGate } from "./gate-plan.ts";
import type { GateRecord } from "./gate-record.ts";
import { change, headline, timingColumns, timingRows } from "./gate-words.ts";
import { confirmatory } from "./judge-gate.ts";
import { type Rates, resampleGates } from "./resample.ts";
import { lnRatios } from "./slice-pairs.ts";

export interface LiveGate {
  /** Such as "identical builds" or "5 % more CPU per call". */
  readonly what: string;
  readonly expected: "not FAIL" | "FAIL";
  readonly record: GateRecord;
}

export interface ResampledRates {
  /** Label of the metric that was shifted; "none" for identical builds. */
  readonly shifted: string;
  readonly by: number;
  readonly restarts: number;
  readonly rates: Rates;
}

const gatesEach = 10_000;
const powerGates = 2000;
const regression = Math.log1p(0.05);

/** From the slices of identical builds: false alarms, then the power against 5 % in each confirmatory metric. */
export function resampledRates(same: GateRecord, random: SeededRandom): ResampledRates[] {
  const stored = confirmatory.map((metric) => same.restarts.map((restart) => lnRatios(metric.id, restart)));
  const { restarts } = planGate(same.plan.minutes);
  const none = confirmatory.map(() => 0);
  const rates = (shift: readonly number[], gates: number, name: string) =>
    resampleGates({ stored, shift, restarts, gates }, random.fork(name));
  return [
    { shifted: "none", by: 0, restarts, rates: rates(none, gatesEach, "none") },
    ...confirmatory.map(({ id, label }, m) => ({
      shifted: label,
      by: regression,
      restarts,
      rates: rates(none.with(m, regression), powerGates, id),
    })),
  ];
}

export function calibrationMarkdown(live: readonly LiveGate[], resampled: readonly ResampledRates[]): string {
  const [same] = live.map(({ record }) => record);
  if (same === undefined) throw new RangeError("a calibration begins with a gate of identical builds");
  const liveRows = live.map(
    ({ what, expected, record }) =>
      `| ${what} | ${expected} | ${record.verdict.outcome} | ${headline(record)} |`,
  );
  const rows = resampled.map(({ shifted, by, restarts, rates }) => {
    const what = by === 0 ? "identical builds" : `${shifted} ${change(by)}`;
    return `| ${what} | ${restarts} | ${rates.gates} | ${interval(rates.fail)} | ${interval(rates.pass)} | ${percent(rates.counts.INCONCLUSIVE / rates.gates)} |`;
  });
  return [
    "# How often the gate is wrong",
    `\`make gate-calibrate MINUTES=${same.plan.minutes} SEED=${same.seed}\` on ${same.startedAt.slice(0, 10)}, commit ${same.commits.head.slice(0, 7)}: ${same.machine.cpuModel}, ${same.machine.cores} cores; fingerprint ${same.fingerprint}. It holds for this machine as it was then.`,
    "## Live",
    ["| planted in head | expected | outcome | |", "| --- | --- | --- | --- |", ...liveRows].join("\n"),
    "## Resampled from the slices of identical builds",
    [
      "| change | restarts | gates | FAIL (exact 95 %) | PASS (exact 95 %) | INCONCLUSIVE |",
      "| --- | --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
    "## What one gate can see",
    [
      `| ${timingColumns.join(" | ")} |`,
      `|${timingColumns.map(() => " --- |").join("")}`,
      ...timingRows(same).map((row) => `| ${row.join(" | ")} |`),
    ].join("\n"),
    "*Detectable* is the smallest change that the gate of identical builds would have found 95 times in 100.",
    "For identical builds FAIL is the false-positive rate; for a planted change FAIL is the power and PASS the miss.",
    "",
  ].join("\n\n");
}

function interval({ share, low, high }: Rates["fail"]): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
