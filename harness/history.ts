// `make index`: writes reports/index.html, the history of all runs that stand in reports/.

import { join, relative } from "node:path";
import { writeHistory } from "./history/write-history.ts";
import { repositoryRoot } from "./sut/start-system.ts";

const { file, runs, problems } = await writeHistory(join(repositoryRoot, "reports"));
for (const problem of problems) process.stderr.write(`not read: ${problem}\n`);
process.stdout.write(`${runs} runs\n${relative(process.cwd(), file)}\n`);
