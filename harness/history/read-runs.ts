// Finds the runs in the folder of reports. A file that cannot be read as a run is told, not passed over.

import { glob, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ReportRecord } from "#harness/report/report-record.ts";
import { schemaVersion } from "#harness/report/report-record.ts";
import { reportEntry } from "./report-entry.ts";
import type { HistoryData, RunEntry, RunKind, SeriesName } from "./run-entry.ts";
import { type VerdictRun, verdictRun } from "./verdict-entry.ts";

export interface FoundRuns {
  /** Oldest first. */
  readonly data: HistoryData;
  /** Those whose pages are made of their verdicts, at the places their entries link. */
  readonly verdictRuns: readonly VerdictRun[];
  /** "file: why it is not a run". */
  readonly problems: readonly string[];
}

const PLACES: readonly (readonly [kind: RunKind, pattern: string])[] = [
  ["report", "*/report.json"],
  ["scenarios", "scenarios/*.json"],
  ["gate", "gate/**/gate.json"],
  ["chaos", "chaos/*.json"],
  ["load", "load/*.json"],
];

export async function readRuns(directory: string): Promise<FoundRuns> {
  const runs = new Map<string, RunEntry>();
  const levels = new Map<string, SeriesName>();
  const effects = new Map<string, SeriesName>();
  const verdictRuns: VerdictRun[] = [];
  const problems: string[] = [];
  for (const [kind, pattern] of PLACES) {
    const files = (await Array.fromAsync(glob(pattern, { cwd: directory }))).sort();
    for (const file of files) {
      try {
        const record: unknown = JSON.parse(await readFile(join(directory, file), "utf8"));
        const verdicts = kind === "report" ? undefined : verdictRun(kind, record, file);
        const found =
          verdicts === undefined
            ? reportEntry(reportRecord(record), `${dirname(file)}/index.html`)
            : { ...verdicts, effects: [] };
        if (verdicts !== undefined && kind !== "gate") verdictRuns.push(verdicts);
        // A published run stands in two folders; either serves.
        runs.set(found.entry.id, found.entry);
        for (const name of found.levels) levels.set(name.key, name);
        for (const name of found.effects) effects.set(name.key, name);
      } catch (error) {
        problems.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  const sorted = [...runs.values()].sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  const data = { runs: sorted, levels: [...levels.values()], effects: [...effects.values()] };
  return { data, verdictRuns, problems };
}

/** Written by us and validated then: only its version can be another. */
function reportRecord(value: unknown): ReportRecord {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (version !== schemaVersion) {
    throw new TypeError(`schemaVersion must be ${schemaVersion}, got ${JSON.stringify(version)}`);
  }
  return value as ReportRecord;
}
