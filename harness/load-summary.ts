// What a run of load scripts leaves for people: each script with its thresholds, its latencies and what was dropped, from the summaries
// that k6 and the built-in runner export alike.

import type { MeasuredLine, VerdictLine } from "./history/verdict-record.ts";
import { ExitCode } from "./k6/exit-codes.ts";
import { number } from "./report/phrases.ts";

export interface ScriptRun {
  readonly script: string;
  /** What ran it: numbers of different engines are followed apart. */
  readonly engine: string;
  readonly exitCode: number;
  /** The JSON of --summary-export; undefined where the script ended before it had one. */
  readonly summary: string | undefined;
}

export interface ScriptSummary {
  readonly verdict: VerdictLine;
  readonly measured: readonly MeasuredLine[];
}

/** A number by its name, and under "thresholds" which of them were broken. */
type Metric = Readonly<Record<string, unknown>>;

/** Latency of calls, and its split by the tags that a threshold names. */
const DURATION = /^grpc_req_duration(\{.*\})?$/;

/** Throws SyntaxError for a summary that is no JSON. */
export function scriptSummary({ script, engine, exitCode, summary }: ScriptRun): ScriptSummary {
  const claim = `${script} keeps its thresholds`;
  const metrics = metricsIn(summary);
  if (metrics === undefined) {
    const evidence = [`exit code ${exitCode}, without a summary`];
    return { verdict: { claim, outcome: exitCode === 0 ? "unknown" : "fail", evidence }, measured: [] };
  }
  const thresholds = Object.entries(metrics).flatMap(([name, metric]) => brokenIn(name, metric));
  const broken = thresholds.filter(({ isBroken }) => isBroken);
  const dropped = numberIn(metrics.dropped_iterations, "count") ?? 0;
  const evidence = [
    `${thresholds.length - broken.length} of ${thresholds.length} thresholds held${exitCode === 0 ? "" : `, exit code ${exitCode}`}.`,
    ...(exitCode === ExitCode.GENERATOR_SATURATED ? ["The generator was too busy to be believed."] : []),
    ...broken.map(({ text }) => `Broken: ${text}.`),
    ...Object.entries(metrics).flatMap(([name, metric]) =>
      DURATION.test(name) ? latency(name, metric) : [],
    ),
    `${number(numberIn(metrics.iterations, "count") ?? 0)} iterations, ${number(dropped)} dropped.`,
  ];
  const outcome = exitCode === 0 ? "pass" : exitCode === ExitCode.GENERATOR_SATURATED ? "unknown" : "fail";
  return {
    verdict: { claim, outcome, checked: thresholds.length, evidence },
    measured: measuredIn(`load: ${script} (${engine})`, metrics, dropped),
  };
}

function metricsIn(summary: string | undefined): Readonly<Record<string, Metric>> | undefined {
  if (summary === undefined) return undefined;
  const parsed = JSON.parse(summary) as { readonly metrics?: Readonly<Record<string, Metric>> };
  return parsed.metrics;
}

function brokenIn(
  name: string,
  { thresholds }: Metric,
): { readonly text: string; readonly isBroken: boolean }[] {
  if (typeof thresholds !== "object" || thresholds === null) return [];
  return Object.entries(thresholds).map(([source, isBroken]) => ({
    text: `${name} ${source}`,
    isBroken: isBroken === true,
  }));
}

function latency(name: string, metric: Metric): string[] {
  const [p50, p99] = [numberIn(metric, "med"), numberIn(metric, "p(99)")];
  if (p50 === undefined || p99 === undefined) return [];
  const tags = DURATION.exec(name)?.[1];
  return [`Latency${tags === undefined ? "" : ` of ${tags.slice(1, -1)}`}: p50 ${ms(p50)}, p99 ${ms(p99)}.`];
}

function ms(value: number): string {
  return `${number(value)} ms`;
}

function measuredIn(
  workload: string,
  metrics: Readonly<Record<string, Metric>>,
  dropped: number,
): MeasuredLine[] {
  const duration = metrics.grpc_req_duration;
  const lines = [
    ["p50 latency", "ms", "lower", numberIn(duration, "med")],
    ["p99 latency", "ms", "lower", numberIn(duration, "p(99)")],
    ["iterations", "/s", "higher", numberIn(metrics.iterations, "rate")],
    ["dropped iterations", "", "lower", dropped],
  ] as const;
  return lines.flatMap(([metric, unit, better, value]) =>
    value === undefined ? [] : [{ workload, metric, unit, better, subject: "all calls", value }],
  );
}

function numberIn(metric: Metric | undefined, name: string): number | undefined {
  const value = metric?.[name];
  return typeof value === "number" ? value : undefined;
}
