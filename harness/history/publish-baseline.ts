// Publishes the report of a run: a copy in reports/baseline/, which is committed and against which later runs are held.

import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReportRecord } from "#harness/report/report-record.ts";
import { validateReport } from "#harness/report/validate-report.ts";
import { machineInWords } from "./fingerprint.ts";

export interface PublishedBaseline {
  readonly id: string;
  readonly directory: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** The raw slices were left out, since the record was too large with them. */
  readonly withoutSlices: boolean;
  /** What a reader should know before comparing with it. */
  readonly warnings: readonly string[];
}

export interface PublishOptions {
  /** A record above it is published without its raw slices. Default 4 MiB. */
  readonly maxRecordBytes?: number;
}

/** `run` is the name of a folder in the reports, or "latest". Throws an Error that names the run that is missing or unreadable. */
export async function publishBaseline(
  reportsDirectory: string,
  run: string,
  { maxRecordBytes = 4 * 2 ** 20 }: PublishOptions = {},
): Promise<PublishedBaseline> {
  const id = await find(reportsDirectory, run);
  const source = join(reportsDirectory, id);
  const record = await readRecord(join(source, "report.json"));
  const withoutSlices = (await stat(join(source, "report.json"))).size > maxRecordBytes;
  const directory = join(reportsDirectory, "baseline");
  const unfinished = `${directory}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await cp(source, unfinished, { recursive: true });
    if (withoutSlices) {
      await writeFile(join(unfinished, "report.json"), `${JSON.stringify(withoutRaw(record))}\n`);
    }
    const files = await sizes(unfinished);
    const warnings = warningsOf(record);
    const published = { id, directory, files, withoutSlices, warnings };
    await writeFile(join(unfinished, "README.md"), readme(record, published));
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
    return published;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function find(reportsDirectory: string, run: string): Promise<string> {
  const folders = await readdir(reportsDirectory, { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  // A run's name begins with its time.
  const runs = names.filter((name) => /^\d{8}-\d{6}-/.test(name)).sort();
  const found = run === "latest" ? runs.at(-1) : runs.find((name) => name === run);
  if (found !== undefined) return found;
  const known = runs.length === 0 ? "there are none; make report makes one" : `there are ${runs.join(", ")}`;
  throw new Error(`RUN=${run}: must be latest or the name of a run in reports/; ${known}`);
}

async function readRecord(file: string): Promise<ReportRecord> {
  const record: unknown = JSON.parse(await readFile(file, "utf8"));
  validateReport(record);
  // Just validated against the schema of this type.
  return record as ReportRecord;
}

function withoutRaw({ cluster, ...record }: ReportRecord): ReportRecord {
  return { ...record, slices: [], ...(cluster === undefined ? {} : { cluster: { ...cluster, cells: [] } }) };
}

async function sizes(directory: string): Promise<PublishedBaseline["files"]> {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(directory, name))).size })));
}

function warningsOf({ run, warnings }: ReportRecord): string[] {
  return [
    ...(run.quick ? ["A quick run: its intervals are wide."] : []),
    ...(run.dirty ? ["Files differed from the commit, so nobody else can repeat it."] : []),
    ...warnings,
  ];
}

function readme(record: ReportRecord, { files, withoutSlices, warnings }: PublishedBaseline): string {
  const { run, environment } = record;
  const parts = [
    "# Baseline",
    `The report of the run \`${run.id}\`: \`${run.command}\` at commit \`${run.commit}\`, started ${run.startedAt}, ${Math.round(run.elapsedSeconds)} s, on ${machineInWords(environment)}. \`make baseline RUN=${run.id}\` copied it here.`,
    ...(warnings.length === 0 ? [] : [warnings.map((warning) => `- ${warning}`).join("\n")]),
    [
      "| file | kB |",
      "|---|---|",
      ...files.map(({ name, bytes }) => `| \`${name}\` | ${kilobytes(bytes)} |`),
    ].join("\n"),
    ...(withoutSlices
      ? [
          "The raw slices are not in `report.json`, since it would be too large with them; the command makes them again.",
        ]
      : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function kilobytes(bytes: number): number {
  return Math.ceil(bytes / 1000);
}
