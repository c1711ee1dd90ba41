// Writes what a run of verdicts leaves for people.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { VerdictKind, VerdictRecord } from "./verdict-record.ts";
import { writeHistory } from "./write-history.ts";

/** Writes the record and the history again. Returns the path of the run's page. Throws the file system's error. */
export async function writeVerdicts(
  reportsDirectory: string,
  kind: VerdictKind,
  record: VerdictRecord,
): Promise<string> {
  const directory = join(reportsDirectory, kind);
  const name = record.startedAt.replaceAll(/[:.]/g, "-");
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(record, null, 1)}\n`);
  await writeHistory(reportsDirectory);
  return join(directory, `${name}.html`);
}
