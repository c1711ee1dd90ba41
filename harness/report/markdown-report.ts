// The report for a terminal or a pull request: the same sections as the page, without charts.

import { arms } from "#harness/experiment/arms.ts";
import { checksMarkdown } from "./checks-section.ts";
import { effectColumns, effectRows, levelRows } from "./effect-table.ts";
import { dataFacts, designFacts, environmentFacts, type Fact, generatorFacts } from "./facts.ts";
import { clusterMarkdown } from "./markdown-cluster.ts";
import { markdownTable } from "./markdown-table.ts";
import { modeNote, scenarioLabel, some } from "./phrases.ts";
import { hottestColumns, hottestRows, profileInWords } from "./profile-section.ts";
import type { ReportRecord } from "./report-record.ts";
import { clauseLabel, comparisonNote, findings, headingOf, interactionSentences } from "./summary.ts";

export function markdownReport(record: ReportRecord): string {
  const { run } = record;
  const quick = modeNote(record);
  return `${[
    `# ${headingOf(record)}`,
    `${run.id} · commit ${run.commit.slice(0, 12)}${run.dirty ? " with uncommitted changes" : ""} · ${run.startedAt}`,
    ...(quick ? [`> ${quick}`] : []),
    ...record.warnings.map((warning) => `> **Note:** ${warning}`),
    "## In short",
    findings(record)
      .map(({ subject, outcome, clauses }) =>
        [
          `- **${subject}: ${outcome}.**`,
          ...clauses.map(({ kind, text }) => `  - ${clauseLabel[kind]}: ${text}`),
        ].join("\n"),
      )
      .join("\n"),
    ...interactionSentences(record).map((sentence) => `- ${sentence}`),
    comparisonNote(record),
    ...record.design.scenarios.flatMap((scenario) => [
      `## ${capital(scenarioLabel(scenario))}`,
      markdownTable(effectColumns, effectRows(record, scenario, true)),
      markdownTable(["mean of each arm", ...arms.map((arm) => arm.label)], levelRows(record, scenario)),
      `<details><summary>Each effect at one level of the other factor</summary>\n\n${markdownTable(effectColumns, effectRows(record, scenario, false))}\n\n</details>`,
    ]),
    ...clusterMarkdown(record.cluster),
    ...profilePart(record),
    "## What holds on this commit",
    checksMarkdown(record),
    "## Generator",
    facts(generatorFacts(record)),
    "## Design",
    facts(designFacts(record)),
    "## Data",
    facts(dataFacts(record)),
    rejectedRows(record),
    "## Environment",
    facts(environmentFacts(record)),
    "Numbers from machines that differ in these must not be compared.",
    "## Reproduce",
    `\`\`\`sh\ngit checkout ${run.commit}\n${run.command}\n\`\`\``,
  ]
    .filter((part) => part !== "")
    .join("\n\n")}\n`;
}

function profilePart({ profile }: ReportRecord): string[] {
  if (profile === undefined) return [];
  return [
    "## Where the server's CPU goes",
    `${profileInWords(profile)} The whole profile is in \`${profile.file}\`.`,
    markdownTable(hottestColumns, hottestRows(profile)),
  ];
}

function rejectedRows({ data }: ReportRecord): string {
  const rows = [
    ...data.rejected.map((group) => [group.reason, String(group.count), some(group.rows, 5)]),
    ...data.importErrors.map((group) => [`refused by the system: ${group.reason}`, String(group.count), ""]),
  ];
  return rows.length === 0 ? "" : markdownTable(["rows left out", "count", "for example"], rows);
}

function facts(list: readonly Fact[]): string {
  return markdownTable(
    ["", ""],
    list.map(([name, value]) => [name, value]),
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
