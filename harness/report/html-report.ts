// The report as one page that needs nothing else: no network, no script, charts as inline SVG. It holds for light and dark,
// and from a phone's width up.

import { checksSection } from "./checks-section.ts";
import { courseSection } from "./course-section.ts";
import { courseStyle } from "./course-style.ts";
import { dataFacts, designFacts, environmentFacts, generatorFacts } from "./facts.ts";
import { effectsSection, generatorChart, latencySection, levelsSection } from "./html-charts.ts";
import { clusterSection } from "./html-cluster.ts";
import { htmlPage } from "./html-page.ts";
import { rawSection } from "./html-raw.ts";
import { factTable } from "./html-table.ts";
import { modeNote } from "./phrases.ts";
import { profileSection } from "./profile-section.ts";
import type { ReportRecord } from "./report-record.ts";
import {
  clauseLabel,
  comparisonNote,
  type Finding,
  findings,
  headingOf,
  interactionSentences,
} from "./summary.ts";
import { escapeText } from "./svg.ts";

export function htmlReport(record: ReportRecord): string {
  const { run } = record;
  const title = escapeText(headingOf(record));
  return htmlPage({
    title: `${headingOf(record)} · ${run.id}`,
    styles: [courseStyle],
    main: `<header>
<h1>${title}</h1>
<p class="byline">${escapeText(`${run.id} · commit ${run.commit.slice(0, 12)}${run.dirty ? " with uncommitted changes" : ""} · ${run.startedAt} · ${record.environment.machine.cpuModel}, ${record.environment.machine.cores} cores`)}</p>
${notes(record)}
</header>
${summarySection(record)}
${effectsSection(record)}
${latencySection(record)}
${levelsSection(record)}
${clusterSection(record.cluster)}
${courseSection(record)}
${profileSection(record)}
${checksSection(record)}
<section>
<h2>Generator</h2>
<p>What made the load, and whether it could have been what was measured.</p>
${generatorChart(record)}
${factTable(generatorFacts(record))}
</section>
<section>
<h2>Design and data</h2>
${factTable([...designFacts(record), ...dataFacts(record)])}
</section>
<section>
<h2>Environment</h2>
<p>Numbers from machines that differ in these must not be compared.</p>
${factTable(environmentFacts(record))}
</section>
<section>
<h2>Reproduce</h2>
<pre>${escapeText(`git checkout ${run.commit}\n${run.command}`)}</pre>
</section>
${rawSection(record)}`,
  });
}

function notes(record: ReportRecord): string {
  const quick = modeNote(record);
  const texts = [...(quick ? [quick] : []), ...record.warnings];
  if (texts.length === 0) return "";
  return `<div class="note">${texts.map((text) => `<p>${escapeText(text)}</p>`).join("")}</div>`;
}

function summarySection(record: ReportRecord): string {
  const interactions = interactionSentences(record);
  return `<section>
<h2>In short</h2>
<ul class="findings">
${findings(record).map(finding).join("\n")}
</ul>
${interactions.map((sentence) => `<p>${escapeText(sentence)}</p>`).join("\n")}
<p class="caption">${escapeText(comparisonNote(record))}</p>
</section>`;
}

const kindClass = {
  saves: "saves",
  costs: "costs",
  "no effect": "unseen",
  "no effect seen": "unseen",
  "not known": "unseen",
} as const;

function finding({ subject, outcome, clauses }: Finding): string {
  const written = clauses.map(
    ({ kind, text }) =>
      `<p><span class="kind ${kindClass[kind]}">${clauseLabel[kind]}</span> ${escapeText(text)}</p>`,
  );
  return `<li><b>${escapeText(subject)}: ${outcome}</b>${written.join("")}</li>`;
}
