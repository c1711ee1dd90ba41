// Numbers and effects in words. The words follow from the numbers: "saves", "costs", or "no effect seen" with what could
// have been seen. Used by the Markdown and the HTML alike, so that both say the same.

import { factors } from "#harness/experiment/arms.ts";
import { type Metric, metrics } from "#harness/experiment/metrics.ts";
import type { LinkId, WorkloadId } from "#harness/experiment/slice-record.ts";
import type { EffectRecord, ReportRecord } from "./report-record.ts";

export const workloadLabel: Readonly<Record<WorkloadId, string>> = {
  "hot-reads": "hot reads",
  "search-pages": "16 kB search pages",
};

export const linkLabel: Readonly<Record<LinkId, string>> = {
  loopback: "loopback",
  shaped: "the shaped link",
};

export function scenarioLabel({ workload, link }: { workload: WorkloadId; link: LinkId }): string {
  return `${workloadLabel[workload]} over ${linkLabel[link]}`;
}

export function metricOf(id: string): Metric {
  const metric = metrics.find((candidate) => candidate.id === id);
  if (!metric) throw new RangeError(`no metric is called ${id}`);
  return metric;
}

export function factorLabel(factor: EffectRecord["factor"]): string {
  return factors.find((candidate) => candidate.id === factor)?.label ?? "Caching × compression";
}

/** Three significant digits with thousands kept: 8 123, 12.3, 0.0412. */
export function number(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e15) return value > 0 ? "∞" : "-∞";
  if (size >= 100) return Math.round(value).toLocaleString("en-US").replaceAll(",", "\u2009");
  return Number(value.toPrecision(3)).toString();
}

export function quantity(value: number | null, unit: string): string {
  if (value === null) return "–";
  return unit === "" ? number(value) : `${number(value)} ${unit}`;
}

/** "−38 %", "+4.1 %", "×3.2", "÷2.5": beyond a factor of two a percentage misleads. */
export function change(ratio: number): string {
  return inForm(ratio, isFactor(ratio));
}

/** Both ends in the form of the estimate, so that they can be compared at a glance. */
export function interval(effect: Pick<EffectRecord, "ratio" | "low" | "high">): string {
  if (effect.low === null || effect.high === null) return "no interval";
  const asFactor = isFactor(effect.ratio ?? 1) || effect.high > 10;
  return `${inForm(effect.low, asFactor)} to ${inForm(effect.high, asFactor)}`;
}

function isFactor(ratio: number): boolean {
  return ratio >= 2 || ratio <= 0.5;
}

function inForm(ratio: number, asFactor: boolean): string {
  if (asFactor) return ratio >= 1 ? `×${number(ratio)}` : `÷${number(1 / Math.max(ratio, Number.MIN_VALUE))}`;
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? "−" : "+"}${percentDigits(Math.abs(percent))} %`;
}

export function detectable(effect: Pick<EffectRecord, "detectable">): string {
  if (effect.detectable === null) return "–";
  if (effect.detectable >= 9) return "over ×10";
  return effect.detectable >= 1
    ? `×${number(1 + effect.detectable)}`
    : `${percentDigits(effect.detectable * 100)} %`;
}

function percentDigits(percent: number): string {
  return percent >= 10 ? percent.toFixed(0) : percent.toFixed(1);
}

export function modeNote(record: ReportRecord): string | undefined {
  if (!record.run.quick) return undefined;
  return `Quick run: ${record.restarts.length} restarts and short slices. It shows that everything works and the size of large effects; its intervals are wide. Run without QUICK before quoting a number.`;
}

/** The first `most` of a list in words, and how many more there are. */
export function some(list: readonly string[], most: number): string {
  const shown = list.slice(0, most).join("; ");
  return list.length > most ? `${shown}; and ${list.length - most} more in report.json` : shown;
}
