// `make baseline`: publishes the report of a run in reports/baseline/, to be committed, and writes the history again.

import { join, relative } from "node:path";
import { kilobytes, publishBaseline } from "./history/publish-baseline.ts";
import { writeHistory } from "./history/write-history.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const reports = join(repositoryRoot, "reports");

try {
  const { id, directory, files, withoutSlices, warnings } = await publishBaseline(
    reports,
    process.env.RUN || "latest",
  );
  await writeHistory(reports);
  for (const warning of warnings) process.stderr.write(`note: ${warning}\n`);
  if (withoutSlices) process.stderr.write("note: too large with its raw slices, so without them\n");
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  process.stdout.write(
    `${id}, ${kilobytes(bytes)} kB; to be committed:\n${relative(process.cwd(), directory)}\n`,
  );
} catch (error) {
  process.stderr.write(`no baseline: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
