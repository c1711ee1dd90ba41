// Writes the files of a run into a folder of its own. The record is validated first: an invalid one makes no report, and what was measured
// is kept in a file beside the runs, which no reader takes for one.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { htmlReport } from "./html-report.ts";
import { markdownReport } from "./markdown-report.ts";
import type { ReportRecord } from "./report-record.ts";
import { validateReport } from "./validate-report.ts";

/** `beside`: further files of the run, by name. Returns the path of report.json. Throws InvalidReportError, or the file system's error. */
export async function writeReport(
  reportsDirectory: string,
  record: ReportRecord,
  beside: Readonly<Record<string, string>> = {},
): Promise<string> {
  const text = JSON.stringify(record, null, 1);
  try {
    validateReport(JSON.parse(text));
  } catch (error) {
    await mkdir(reportsDirectory, { recursive: true });
    await writeFile(join(reportsDirectory, `refused-${record.run.id}.json`), `${text}\n`);
    throw error;
  }
  const directory = join(reportsDirectory, record.run.id);
  await mkdir(directory, { recursive: true });
  const file = join(directory, "report.json");
  await Promise.all([
    writeFile(file, `${text}\n`),
    writeFile(join(directory, "report.md"), markdownReport(record)),
    writeFile(join(directory, "index.html"), htmlReport(record)),
    ...Object.entries(beside).map(([name, content]) => writeFile(join(directory, name), content)),
  ]);
  return file;
}

/** "20261124-091500-1a2b3c4", with "-quick" at the end of a quick run. Local time would differ between readers: UTC. */
export function runId(startedAt: Date, commit: string, quick: boolean): string {
  const stamp = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replaceAll(/[-:]/g, "")
    .replace("T", "-");
  return `${stamp}-${commit.slice(0, 7) || "nocommit"}${quick ? "-quick" : ""}`;
}
