// The runs of one machine and one mode, followed number by number. Runs of different machines, or a quick and a full one, never share a
// trend: their absolute numbers do not compare.

import { changePoints } from "./change-points.ts";
import type { HistoryData, Measured, RunEntry, SeriesName } from "./run-entry.ts";

export interface Trend {
  readonly series: SeriesName;
  readonly fingerprint: string;
  readonly quick: boolean;
  /** Oldest first. */
  readonly points: readonly { readonly run: RunEntry; readonly value: Measured }[];
  readonly changes: readonly TrendChange[];
}

export interface TrendChange {
  /** The first run of the new level. */
  readonly run: RunEntry;
  /** Median after over median before, up to the next changes; null when the one before is 0. */
  readonly ratio: number | null;
  readonly p: number;
  readonly verdict: "better" | "worse";
}

/** Of every series with at least two runs. */
export function trendsOf({ runs, levels }: HistoryData): Trend[] {
  const measured = runs.filter((run) => run.fingerprint !== null);
  const groups = Map.groupBy(measured, (run) => `${run.fingerprint} ${run.quick}`);
  return [...groups.values()].flatMap((group) =>
    levels.flatMap((series) => {
      const points = group.flatMap((run) => {
        const value = run.levels[series.key];
        return value === undefined ? [] : [{ run, value }];
      });
      const first = points[0]?.run;
      if (first === undefined || points.length < 2) return [];
      const changes = changesIn(series, points);
      return [{ series, fingerprint: first.fingerprint ?? "", quick: first.quick, points, changes }];
    }),
  );
}

function changesIn(series: SeriesName, points: Trend["points"]): TrendChange[] {
  const values = points.map(({ value: [value] }) => value);
  const found = changePoints(values);
  return found.flatMap(({ index, p }, i) => {
    const run = points[index]?.run;
    if (run === undefined) return [];
    const before = median(values.slice(found[i - 1]?.index ?? 0, index));
    const after = median(values.slice(index, found[i + 1]?.index ?? values.length));
    const verdict = after > before === (series.better === "higher") ? "better" : "worse";
    return [{ run, ratio: before === 0 ? null : after / before, p, verdict }];
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
