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

/** "-38 %", "+4.1 %", "×3.2", "÷2.5": beyond a factor of two a percentage misleads. */
export function change(ratio: number): string {
  if (ratio >= 2) return `×${number(ratio)}`;
  if (ratio <= 0.5) return ratio === 0 ? "→ 0" : `÷${number(1 / ratio)}`;
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? "−" : "+"}${percentDigits(Math.abs(percent))} %`;
}

export function interval(effect: EffectRecord): string {
  if (effect.low === null || effect.high === null) return "no interval";
  return `${change(effect.low)} to ${change(effect.high)}`;
}

export function detectable(effect: EffectRecord): string {
  if (effect.detectable === null) return "–";
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
