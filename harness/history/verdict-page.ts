// The page of a run that ends in verdicts: what was done, what holds and what does not, with what was seen, and how to do it again.

import { courseStyle } from "#harness/report/course-style.ts";
import { htmlPage } from "#harness/report/html-page.ts";
import { table } from "#harness/report/html-table.ts";
import { number } from "#harness/report/phrases.ts";
import { escapeText } from "#harness/report/svg.ts";
import type { RunVerdict } from "./run-entry.ts";
import type { VerdictDetail, VerdictRun } from "./verdict-entry.ts";

export function verdictPage(run: VerdictRun): string {
  const { entry, summary } = run;
  const title = escapeText(headline(run));
  return htmlPage({
    title: headline(run),
    styles: [courseStyle],
    main: `<header>
<h1>${title}</h1>
<p class="byline">${escapeText(byline(run))}</p>
</header>
<section>
<h2>In short</h2>
${[inShort(run), ...summary].map((sentence) => `<p>${escapeText(sentence)}</p>`).join("\n")}
</section>
<section>
<h2>Verdicts</h2>
${verdicts(run)}
</section>
${measured(run)}
<section>
<h2>Reproduce</h2>
<pre>${escapeText([...(entry.commit === "" ? [] : [`git checkout ${entry.commit}`]), entry.command].join("\n"))}</pre>
<p class="caption"><a href="../index.html">All runs</a></p>
</section>`,
  });
}

function headline({ entry }: VerdictRun): string {
  const kind = entry.kind.charAt(0).toUpperCase() + entry.kind.slice(1);
  const words = {
    pass: "all hold",
    fail: "not all hold",
    unknown: "not known",
    measured: "measured",
  } as const;
  return `${kind}: ${words[entry.outcome]}`;
}

function byline({ entry, elapsedSeconds }: VerdictRun): string {
  return [
    entry.startedAt,
    ...(elapsedSeconds === undefined ? [] : [`${number(elapsedSeconds)} s`]),
    ...(entry.commit === ""
      ? []
      : [`commit ${entry.commit.slice(0, 12)}${entry.dirty ? " with uncommitted changes" : ""}`]),
    ...(entry.seed === null ? [] : [`seed ${entry.seed}`]),
    ...(entry.machine === "" ? [] : [entry.machine]),
  ].join(" · ");
}

function inShort({ entry: { verdicts } }: VerdictRun): string {
  const count = (outcome: RunVerdict["outcome"]): number =>
    verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const rest = [
    ...(count("fail") > 0 ? [`${count("fail")} do not hold`] : []),
    ...(count("unknown") > 0 ? [`${count("unknown")} are not known`] : []),
  ];
  return `${[`Of ${verdicts.length} claims ${count("pass")} hold`, ...rest].join(", ")}.`;
}

const rank = { fail: 0, unknown: 1, pass: 2 } as const;

/** What does not hold first. */
function verdicts({ entry, details }: VerdictRun): string {
  const rows = entry.verdicts
    .map((verdict, i) => ({ verdict, detail: details[i] }))
    .sort((a, b) => rank[a.verdict.outcome] - rank[b.verdict.outcome]);
  return `<ul class="findings">${rows.map(({ verdict, detail }) => row(verdict, detail)).join("\n")}</ul>`;
}

function row({ claim, outcome }: RunVerdict, detail: VerdictDetail | undefined): string {
  const checked = detail?.checked === undefined ? "" : ` (${number(detail.checked)} checked)`;
  const evidence = (detail?.evidence ?? []).map((line) => `<p>${escapeText(line)}</p>`);
  return `<li><b><span class="${outcome}">${outcome}</span> ${escapeText(claim)}${checked}</b>${evidence.join("")}</li>`;
}

function measured({ entry, levels }: VerdictRun): string {
  if (levels.length === 0) return "";
  const rows = levels.map(({ key, workload, metric, unit, subject }) => [
    workload,
    metric,
    subject,
    `${number(entry.levels[key]?.[0] ?? 0)} ${unit}`.trim(),
  ]);
  return `<section>
<h2>Measured</h2>
${table(["workload", "metric", "of", "value"], rows, "text")}
</section>`;
}
