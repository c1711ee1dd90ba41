// Writes the history's page from whatever runs stand in the folder of reports.

import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { historyPage } from "./history-page.ts";
import { readRuns } from "./read-runs.ts";
import { verdictPage } from "./verdict-page.ts";

export interface WrittenHistory {
  readonly file: string;
  readonly runs: number;
  readonly problems: readonly string[];
}

/** With the pages of the runs that are made of their verdicts. A reader never meets half a page. Throws the file system's error. */
export async function writeHistory(directory: string): Promise<WrittenHistory> {
  await mkdir(directory, { recursive: true });
  const found = await readRuns(directory);
  const file = join(directory, "index.html");
  for (const run of found.verdictRuns) await writeWhole(join(directory, run.entry.link), verdictPage(run));
  await writeWhole(file, historyPage(found));
  return { file, runs: found.data.runs.length, problems: found.problems };
}

async function writeWhole(file: string, page: string): Promise<void> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, page);
  await rename(unfinished, file);
}
