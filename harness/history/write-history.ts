// Writes the history's page from whatever runs stand in the folder of reports.

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { historyPage } from "./history-page.ts";
import { readRuns } from "./read-runs.ts";

export interface WrittenHistory {
  readonly file: string;
  readonly runs: number;
  readonly problems: readonly string[];
}

/** A reader never meets half a page. Throws the file system's error. */
export async function writeHistory(directory: string): Promise<WrittenHistory> {
  await mkdir(directory, { recursive: true });
  const found = await readRuns(directory);
  const file = join(directory, "index.html");
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, historyPage(found));
  await rename(unfinished, file);
  return { file, runs: found.data.runs.length, problems: found.problems };
}
