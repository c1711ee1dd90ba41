// Writes a gate into a folder of its own: JSON with every slice, Markdown for a pull request, and a page.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { htmlPage } from "#harness/report/html-page.ts";
import { table } from "#harness/report/html-table.ts";
import { escapeText } from "#harness/report/svg.ts";
import { gateForest } from "./gate-forest.ts";
import type { GateRecord } from "./gate-record.ts";
import { counterColumns, counterRows, facts, headline, timingColumns, timingRows } from "./gate-words.ts";

const explanation =
  "More is worse. FAIL: worse beyond chance, and by enough to act on. PASS: a change of the margin is excluded. INCONCLUSIVE: neither; this run could not see enough. Detectable: the smallest change that this run would have failed in 19 of 20 cases.";

/** Returns the folder. */
export async function writeGate(reportsDirectory: string, record: GateRecord): Promise<string> {
  const directory = join(reportsDirectory, "gate", record.id);
  await mkdir(directory, { recursive: true });
  await Promise.all([
    writeFile(join(directory, "gate.json"), `${JSON.stringify(record, null, 1)}\n`),
    writeFile(join(directory, "gate.md"), gateMarkdown(record)),
    writeFile(join(directory, "index.html"), gatePage(record)),
  ]);
  return directory;
}

export function gateMarkdown(record: GateRecord): string {
  const factRows = facts(record).map(([name, value]) => [name, value]);
  const parts = [
    `## ${headline(record)}`,
    ...record.warnings.map((warning) => `> **Note:** ${warning}`),
    markdownTable(timingColumns, timingRows(record)),
    markdownTable(counterColumns, counterRows(record)),
    explanation,
    `<details><summary>What was compared, and where</summary>\n\n${markdownTable(["", ""], factRows)}\n\n</details>`,
    `\`\`\`sh\ngit checkout ${record.commits.head}\n${record.command}\n\`\`\``,
  ];
  return `${parts.join("\n\n")}\n`;
}

export function gatePage(record: GateRecord): string {
  const title = escapeText(headline(record));
  const notes = record.warnings.map((warning) => `<p>${escapeText(warning)}</p>`).join("");
  const rows = facts(record).map(
    ([name, value]) => `<tr><th>${escapeText(name)}</th><td>${escapeText(value)}</td></tr>`,
  );
  return htmlPage({
    title: `${record.verdict.outcome} · ${record.id}`,
    main: `<header>
<h1>${title}</h1>
<p class="byline">${escapeText(`${record.id} · ${record.startedAt} · ${Math.round(record.elapsedSeconds)} s`)}</p>
${notes === "" ? "" : `<div class="note">${notes}</div>`}
</header>
<section>
<h2>Timing</h2>
${gateForest(record)}
${table(timingColumns, timingRows(record))}
<p class="caption">${escapeText(explanation)}</p>
</section>
<section>
<h2>Counters</h2>
${table(counterColumns, counterRows(record))}
</section>
<section>
<h2>What was compared, and where</h2>
<table class="facts"><tbody>${rows.join("\n")}</tbody></table>
</section>
<section>
<h2>Reproduce</h2>
<pre>${escapeText(`git checkout ${record.commits.head}\n${record.command}`)}</pre>
</section>`,
  });
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const written = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [written(columns), written(columns.map(() => "---")), ...rows.map(written)].join("\n");
}
