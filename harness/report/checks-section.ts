// What was checked on the commit of a report: claims and their verdicts, of scenarios, chaos and load scripts.

import { details } from "./html-table.ts";
import type { ChecksRecord, ReportRecord } from "./report-record.ts";
import { escapeText } from "./svg.ts";

const notChecked =
  "Nothing was checked on this commit before this report was written: make scenarios checks what the shop claims.";

export function checksSection({ checks = [] }: ReportRecord): string {
  const parts = checks.map(
    (run) =>
      `<p>${escapeText(checksInWords(run))}</p>${failures(run)}${details(`All claims (${run.verdicts.length})`, list(run.verdicts))}`,
  );
  return `<section>
<h2>What holds on this commit</h2>
${parts.length === 0 ? `<p>${notChecked}</p>` : parts.join("\n")}
</section>`;
}

export function checksMarkdown({ checks = [] }: ReportRecord): string {
  if (checks.length === 0) return notChecked;
  return checks
    .flatMap((run) => [
      `- ${checksInWords(run)}`,
      ...unsettled(run).map(({ claim, outcome }) => `  - **${outcome}**: ${claim}`),
    ])
    .join("\n");
}

function checksInWords({ kind, startedAt, command, dirty, verdicts }: ChecksRecord): string {
  const passed = verdicts.filter(({ outcome }) => outcome === "pass").length;
  const changed = dirty ? ", with uncommitted changes" : "";
  return `${kind}: ${passed} of ${verdicts.length} hold (${command}, ${startedAt.slice(0, 16).replace("T", " ")} UTC${changed}).`;
}

function unsettled({ verdicts }: ChecksRecord): ChecksRecord["verdicts"] {
  return verdicts.filter(({ outcome }) => outcome !== "pass");
}

/** What does not hold, or is not known to, is never folded away. */
function failures(run: ChecksRecord): string {
  const open = unsettled(run);
  return open.length === 0 ? "" : list(open);
}

function list(verdicts: ChecksRecord["verdicts"]): string {
  const items = verdicts.map(
    ({ claim, outcome }) => `<li><span class="${outcome}">${outcome}</span> ${escapeText(claim)}</li>`,
  );
  return `<ul class="verdicts">${items.join("")}</ul>`;
}
