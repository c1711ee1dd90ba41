// The rows that both renderings show: effects and levels in words and numbers, in one order.

import { arms, factors } from "#harness/experiment/arms.ts";
import { type Metric, metrics } from "#harness/experiment/metrics.ts";
import { change, detectable, factorLabel, interval, metricOf, quantity } from "./phrases.ts";
import type { EffectRecord, LevelRecord, ReportRecord, ScenarioDesign } from "./report-record.ts";

export const effectColumns = [
  "factor",
  "metric",
  "with ÷ without",
  "interval",
  "finding",
  "smallest detectable",
  "SD of a slice",
  "n",
] as const;

/** One row of text for each effect of a scenario: averaged ones, or those at one level of the other factor. */
export function effectRows(record: ReportRecord, scenario: ScenarioDesign, averaged: boolean): string[][] {
  return record.effects
    .filter((effect) => isOf(effect, scenario) && (effect.given === null) === averaged)
    .map((effect) => [
      subject(effect),
      metricOf(effect.metric).label,
      effect.ratio === null ? "–" : change(effect.ratio),
      interval(effect),
      finding(effect),
      detectable(effect),
      effect.sliceDeviationLn === null ? "–" : `${(effect.sliceDeviationLn * 100).toFixed(1)} %`,
      `${effect.restarts} × ${effect.restarts === 0 ? 0 : Math.round(effect.slices / effect.restarts)}`,
    ]);
}

/** One row for each metric with any value, one column for each arm. */
export function levelRows(record: ReportRecord, scenario: ScenarioDesign): string[][] {
  return metrics.flatMap((metric) => {
    const levels = levelsOf(record, scenario, metric);
    if (levels.every((level) => level.value === null)) return [];
    const cells = arms.map((arm) => {
      const level = levels.find((candidate) => candidate.arm === arm.id);
      return quantity(level?.value ?? null, "");
    });
    return [[metric.unit === "" ? metric.label : `${metric.label}, ${metric.unit}`, ...cells]];
  });
}

export function levelsOf(record: ReportRecord, scenario: ScenarioDesign, metric: Metric): LevelRecord[] {
  return record.levels.filter((level) => isOf(level, scenario) && level.metric === metric.id);
}

export function isOf<T extends Pick<EffectRecord, "workload" | "link">>(
  one: T,
  scenario: Pick<ScenarioDesign, "workload" | "link">,
): boolean {
  return one.workload === scenario.workload && one.link === scenario.link;
}

function subject(effect: EffectRecord): string {
  if (!effect.given) return factorLabel(effect.factor);
  const other = factors.find((factor) => factor.id === effect.given?.factor);
  return `${factorLabel(effect.factor)}, ${other?.label.toLowerCase()} ${effect.given.on ? "on" : "off"}`;
}

function finding(effect: EffectRecord): string {
  if (effect.verdict === "negligible") return "no effect (within 1 %)";
  if (effect.verdict === "none seen") return "no effect seen";
  if (effect.verdict === "unknown") return "not known";
  const word = effect.factor === "interaction" ? "interact" : effect.verdict === "better" ? "saves" : "costs";
  return effect.given === null && !effect.afterCorrection ? `${word} (uncorrected)` : word;
}
