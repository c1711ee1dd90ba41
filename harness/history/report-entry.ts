// The entry of a run of `make report`, and the names of the series that its numbers belong to.

import { metricOf, scenarioLabel } from "#harness/report/phrases.ts";
import type { EffectRecord, LevelRecord, ReportRecord } from "#harness/report/report-record.ts";
import { clusterEffects, clusterLevels } from "./cluster-series.ts";
import { fingerprintOf, machineInWords } from "./fingerprint.ts";
import type { Measured, RunEntry, SeriesName } from "./run-entry.ts";

export interface ReportEntry {
  readonly entry: RunEntry;
  readonly levels: readonly SeriesName[];
  readonly effects: readonly SeriesName[];
}

/** `link`: of the run's page, from the history's. */
export function reportEntry(record: ReportRecord, link: string): ReportEntry {
  const { run, environment, cluster } = record;
  const levels = [
    ...record.levels.map((level) => ({
      name: levelName(record, level),
      of: [level.value, level.low, level.high],
    })),
    ...(cluster === undefined ? [] : clusterLevels(cluster)),
  ];
  const effects = [
    ...record.effects
      .filter((effect) => effect.given === null)
      .map((effect) => ({ name: effectName(effect), of: [effect.ratio, effect.low, effect.high] })),
    ...(cluster === undefined ? [] : clusterEffects(cluster)),
  ];
  return {
    entry: {
      id: run.id,
      kind: "report",
      startedAt: run.startedAt,
      command: run.command,
      seed: run.seed,
      commit: run.commit,
      dirty: run.dirty,
      quick: run.quick,
      baseline: link.startsWith("baseline/"),
      fingerprint: fingerprintOf(environment),
      machine: machineInWords(environment),
      link,
      outcome: "measured",
      verdicts: [],
      levels: byKey(levels),
      effects: byKey(effects),
    },
    levels: levels.map(({ name }) => name),
    effects: effects.map(({ name }) => name),
  };
}

function levelName(record: ReportRecord, level: LevelRecord): SeriesName {
  const arm = record.design.arms.find(({ id }) => id === level.arm)?.label ?? level.arm;
  return nameOf(level, arm);
}

function effectName(effect: EffectRecord): SeriesName {
  return nameOf(effect, effect.factor);
}

function nameOf(of: Pick<LevelRecord, "workload" | "link" | "metric">, subject: string): SeriesName {
  const { label, unit, better } = metricOf(of.metric);
  const workload = scenarioLabel(of);
  return { key: `${workload}|${of.metric}|${subject}`, workload, metric: label, unit, better, subject };
}

function byKey(
  list: readonly { readonly name: SeriesName; readonly of: readonly (number | null | undefined)[] }[],
): Record<string, Measured> {
  return Object.fromEntries(
    list.flatMap(({ name, of: [value, low, high] }) =>
      value == null
        ? []
        : [[name.key, [short(value), low == null ? null : short(low), high == null ? null : short(high)]]],
    ),
  );
}

/** More digits than anyone can use would only make the page larger. */
function short(value: number): number {
  return Number(value.toPrecision(5));
}
