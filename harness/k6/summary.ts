// What a run comes to: the data that handleSummary gets, in k6's shape, and the text for a terminal.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Metric, MetricRegistry } from "./metric-registry.ts";
import type { Options } from "./options.ts";
import type { CheckCounts } from "./vu-context.ts";

export interface SummaryInput {
  readonly registry: MetricRegistry;
  readonly checks: CheckCounts;
  readonly options: Options;
  readonly setupData: unknown;
  readonly seconds: number;
}

interface MetricSummary {
  readonly type: string;
  readonly contains: string;
  readonly values: Record<string, number>;
  readonly thresholds?: Record<string, { readonly ok: boolean }>;
}

export interface SummaryData {
  readonly root_group: {
    readonly name: string;
    readonly path: string;
    readonly id: string;
    readonly groups: readonly unknown[];
    readonly checks: readonly { readonly name: string; readonly passes: number; readonly fails: number }[];
  };
  readonly options: object;
  readonly state: {
    readonly isStdOutTTY: boolean;
    readonly isStdErrTTY: boolean;
    readonly testRunDurationMs: number;
  };
  readonly metrics: Record<string, MetricSummary>;
  readonly setup_data?: unknown;
}

export function summaryData({ registry, checks, options, setupData, seconds }: SummaryInput): SummaryData {
  const verdicts = registry.verdicts(seconds);
  const metricOf = (metric: Metric): MetricSummary => {
    const { type, contains, sink, name } = metric;
    const own = verdicts.filter(({ group }) => group.name === name);
    const thresholds = Object.fromEntries(own.map(({ source, ok }) => [source, { ok }]));
    const values = sink.values(options.summaryTrendStats, seconds);
    return { type, contains, values, ...(own.length > 0 ? { thresholds } : {}) };
  };
  return {
    root_group: {
      name: "",
      path: "",
      id: "d41d8cd98f00b204e9800998ecf8427e",
      groups: [],
      checks: checks.list().map(({ name, passes, fails }) => ({ name, path: `::${name}`, passes, fails })),
    },
    options: { summaryTrendStats: options.summaryTrendStats, summaryTimeUnit: "", noColor: false },
    state: {
      isStdOutTTY: process.stdout.isTTY === true,
      isStdErrTTY: process.stderr.isTTY === true,
      testRunDurationMs: seconds * 1_000,
    },
    metrics: Object.fromEntries(registry.reported().map((metric) => [metric.name, metricOf(metric)])),
    ...(setupData === undefined ? {} : { setup_data: setupData }),
  };
}

/** As k6's --summary-export writes it: a threshold is told as whether it was broken, and a rate is called value. */
export function exportedSummary({ root_group, metrics }: SummaryData): object {
  const exported = Object.entries(metrics).map(([name, { type, values, thresholds = {} }]) => {
    const { rate, ...others } = values;
    const own = type === "rate" ? { ...others, value: rate } : values;
    const broken = Object.entries(thresholds).map(([source, { ok }]) => [source, !ok] as const);
    return [name, broken.length === 0 ? own : { ...own, thresholds: Object.fromEntries(broken) }] as const;
  });
  const checks = Object.fromEntries(root_group.checks.map((check) => [check.name, check]));
  return { root_group: { ...root_group, groups: {}, checks }, metrics: Object.fromEntries(exported) };
}

const NAME_WIDTH = 42;

export function summaryText({ metrics }: SummaryData, checks: CheckCounts): string {
  const checkLines = checks
    .list()
    .map(({ name, passes, fails }) =>
      fails === 0 ? `    ✓ ${name}` : `    ✗ ${name}\n      ${passes} of ${passes + fails} passed`,
    );
  const metricLines = Object.entries(metrics).map(([name, metric]) => {
    const failed = Object.values(metric.thresholds ?? {}).some(({ ok }) => !ok);
    const mark = metric.thresholds === undefined ? " " : failed ? "✗" : "✓";
    return `  ${mark} ${`${name} `.padEnd(NAME_WIDTH, ".")}: ${figures(metric)}`;
  });
  return `\n${[...checkLines, ...(checkLines.length > 0 ? [""] : []), ...metricLines].join("\n")}\n\n`;
}

function figures({ type, contains, values }: MetricSummary): string {
  const show = (value: number): string =>
    contains === "time" ? time(value) : contains === "data" ? bytes(value) : plain(value);
  switch (type) {
    case "counter":
      return `${show(values.count ?? 0)}  ${show(values.rate ?? 0)}/s`;
    case "rate":
      return `${((values.rate ?? 0) * 100).toFixed(2)}%  ${values.passes} of ${(values.passes ?? 0) + (values.fails ?? 0)}`;
    case "gauge":
      return `${show(values.value ?? 0)}  min=${show(values.min ?? 0)} max=${show(values.max ?? 0)}`;
    default:
      return Object.entries(values)
        .map(([stat, value]) => `${stat}=${stat === "count" ? plain(value) : show(value)}`)
        .join(" ");
  }
}

function time(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)}s`;
  return ms >= 1 ? `${ms.toFixed(2)}ms` : `${(ms * 1_000).toFixed(0)}µs`;
}

function bytes(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} MB`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(1)} kB` : `${count.toFixed(0)} B`;
}

function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** Writes what handleSummary returned: a file a key, or "stdout" and "stderr". */
export function writeOutputs(outputs: unknown): void {
  if (typeof outputs !== "object" || outputs === null) return;
  for (const [target, content] of Object.entries(outputs)) {
    const text = typeof content === "string" ? content : Buffer.from(content as ArrayBuffer);
    if (target === "stdout") process.stdout.write(text);
    else if (target === "stderr") process.stderr.write(text);
    else {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
  }
}
