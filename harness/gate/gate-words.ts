// A gate in words and rows, for the Markdown, the page and the terminal alike. The words follow from the numbers.

import { number, quantity } from "#harness/report/phrases.ts";
import type { GateRecord } from "./gate-record.ts";
import type { CounterVerdict, TimingVerdict } from "./judge-gate.ts";
import { calibrationInWords } from "./published-calibration.ts";

export const timingColumns = ["timing", "outcome", "change", "bounds", "detectable", "slice SD", "evidence"];
export const counterColumns = ["counter", "outcome", "base", "head", "change", "tolerance"];

export function headline({ verdict, rule, restarts, look }: GateRecord): string {
  const margin = share(rule.margin);
  const extent = `${restarts.length} restarts, ${look} look`;
  switch (verdict.outcome) {
    case "PASS":
      return `PASS: head is not slower than base by ${margin} or more in any of the metrics that decide (${extent})`;
    case "FAIL":
      return `FAIL: head is worse than base in ${worse(verdict).join(", ")} (${extent})`;
    case "INCONCLUSIVE":
      return `INCONCLUSIVE: a change of ${margin} could not be excluded in ${unknown(verdict).join(", ")} (${extent})`;
  }
}

export function timingRows({ verdict }: GateRecord): string[][] {
  const reported = verdict.reported.map(({ metric, estimate }) => [
    `${metric.label} (reported only)`,
    "–",
    estimate === undefined ? "not known" : change(estimate.estimate),
    estimate === undefined ? "–" : `${change(estimate.low)} to ${change(estimate.high)} (95 %)`,
    estimate === undefined ? "–" : share(Math.expm1(estimate.detectable)),
    estimate === undefined ? "–" : number(estimate.sliceDeviation),
    estimate === undefined ? "–" : evidence(estimate),
  ]);
  return [...verdict.timing.map(timingRow), ...reported];
}

function timingRow({ metric, outcome, estimate, low, high, detectable }: TimingVerdict): string[] {
  if (estimate === undefined || low === null || high === null) {
    return [metric.label, outcome, "not known", "–", "–", "–", "too few valid slices"];
  }
  return [
    metric.label,
    outcome,
    change(estimate.estimate),
    `≥ ${change(low)}, ≤ ${change(high)}`,
    detectable === null ? "–" : share(detectable),
    number(estimate.sliceDeviation),
    evidence(estimate),
  ];
}

export function counterRows({ verdict }: GateRecord): string[][] {
  return verdict.counters.map(({ metric, outcome, base, head, change: by }) => [
    metric.label,
    outcome,
    quantity(base, metric.unit),
    quantity(head, metric.unit),
    by === null
      ? "not known"
      : metric.compare === "points"
        ? `${signed(100 * by)} points`
        : `${signed(100 * by)} %`,
    metric.compare === "points" ? `${100 * metric.tolerance} points` : share(metric.tolerance),
  ]);
}

export function facts(record: GateRecord): (readonly [string, string])[] {
  const { machine, before, after, timerJitter, restarts, plan, rule } = record;
  const process = restarts[0]?.processes.head;
  const canaries = restarts.flatMap(({ canaryBefore, canaryAfter }) => [canaryBefore, canaryAfter]);
  const elapsedMs = Math.max(1, after.atMs - before.atMs);
  const of = (now: number | null, then: number | null, cores: number) =>
    now === null || then === null ? "not told" : share((now - then) / (elapsedMs * cores));
  return [
    ["base", `${record.baseRef} = ${record.commits.base}`],
    ["head", `${record.commits.head}${record.headDirty ? " with uncommitted changes" : ""}`],
    ["planted", record.planted ?? "nothing"],
    [
      "rule",
      `alpha ${share(rule.alpha)} over all metrics (Holm) and looks (O'Brien-Fleming), beta ${share(rule.beta)}, margin ${share(rule.margin)}, worth acting from ${share(rule.worthActing)}`,
    ],
    [
      "plan",
      `${plan.restarts} restarts of ${plan.latencyMs / 1000} s latency at 45 % and ${plan.busySlices} slices of ${plan.busySliceMs} ms at 65 % of ${number(restarts[0]?.capacity ?? 0)} calls/s, both arms at once`,
    ],
    ["workload", record.workload],
    [
      "data",
      `${record.data}, seed ${record.seed}; ${record.copied ? "head reads a copy of base's database" : "each arm imported its own, since head does not continue base's migrations"}`,
    ],
    ["fingerprint", record.fingerprint],
    ["calibration", calibrationInWords(record.calibration, record.fingerprint)],
    [
      "machine",
      `${machine.cpuModel}, ${machine.cores} cores${machine.quotaCores === null ? "" : `, quota ${machine.quotaCores}`}, ${machine.kernel}`,
    ],
    [
      "runtime",
      `Node ${process?.node ?? "?"}, V8 ${process?.v8 ?? "?"}, ${process?.execArgv.join(" ") ?? ""}`,
    ],
    ["pinning", record.pinning],
    [
      "neighbours",
      `load ${number(before.load)} before, ${number(after.load)} after; steal ${of(after.stealMs, before.stealMs, machine.cores)}; something waited for a CPU ${of(after.waitedMs, before.waitedMs, 1)} of the time`,
    ],
    ["timers", `late by ${number(timerJitter.p50Ms)} ms (median), ${number(timerJitter.p99Ms)} ms (p99)`],
    ["canary", `${number(Math.min(...canaries))} to ${number(Math.max(...canaries))} turns/µs`],
  ];
}

/** A change in natural logarithms as a percentage. */
export function change(ln: number): string {
  return `${signed(100 * Math.expm1(ln))} %`;
}

function signed(value: number): string {
  if (Math.abs(value) < 0.05) return "±0.0";
  const size = Math.abs(value) >= 1000 ? "over 1000" : Math.abs(value).toFixed(1);
  return `${value < 0 ? "−" : "+"}${size}`;
}

function share(value: number): string {
  return value > 10 ? "over ×10" : `${number(100 * value)} %`;
}

function evidence({ restarts, slices }: { readonly restarts: number; readonly slices: number }): string {
  return `${slices} pairs in ${restarts} restarts`;
}

function worse(verdict: GateRecord["verdict"]): string[] {
  return labels([...verdict.timing, ...verdict.counters], "FAIL");
}

function unknown(verdict: GateRecord["verdict"]): string[] {
  return labels([...verdict.timing, ...verdict.counters], "INCONCLUSIVE");
}

function labels(judged: readonly (TimingVerdict | CounterVerdict)[], wanted: string): string[] {
  return judged.filter(({ outcome }) => outcome === wanted).map(({ metric }) => metric.label);
}
