// The history of the runs as one page that needs nothing else. What can be drawn beforehand is; its script only filters, sorts and compares.

import { htmlPage } from "#harness/report/html-page.ts";
import { table } from "#harness/report/html-table.ts";
import { escapeText } from "#harness/report/svg.ts";
import { historyStyle } from "./history-style.ts";
import { embeddedJson, pageScript } from "./page-script.ts";
import type { FoundRuns } from "./read-runs.ts";
import type { HistoryData, RunEntry } from "./run-entry.ts";
import { changeInWords, subjectClass, trendChart } from "./trend-chart.ts";
import { type Trend, trendsOf } from "./trends.ts";

export function historyPage({ data, problems }: FoundRuns): string {
  const trends = trendsOf(data);
  return htmlPage({
    title: "History of runs",
    styles: [historyStyle],
    head: `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
`,
    main: `<header>
<h1>History of runs</h1>
<p class="byline">${escapeText(summaryLine(data))}</p>
${problemNote(problems)}
</header>
${filters(data)}
${runsSection(data.runs)}
${compareSection(data)}
${changesSection(trends)}
${trendsSection(trends)}`,
    after: `<script type="application/json" id="data">${embeddedJson(data)}</script>
<script type="module">
${pageScript()}
</script>
`,
  });
}

function summaryLine({ runs }: HistoryData): string {
  const last = runs.at(-1);
  if (last === undefined) return "No runs yet: make report QUICK=1 makes one.";
  const prints = machinesOf(runs).length;
  return `${runs.length} runs, ${prints} ${prints === 1 ? "fingerprint" : "fingerprints"} of machine and software · the last ${last.startedAt}`;
}

function problemNote(problems: readonly string[]): string {
  if (problems.length === 0) return "";
  const lines = problems.map((problem) => `<p>Not read: ${escapeText(problem)}</p>`);
  return `<div class="note">${lines.join("")}</div>`;
}

function machinesOf(runs: readonly RunEntry[]): (readonly [fingerprint: string, words: string])[] {
  const found = runs.flatMap(({ fingerprint, machine }) =>
    fingerprint === null ? [] : [[fingerprint, machine] as const],
  );
  return [...new Map(found)];
}

function filters({ runs, levels }: HistoryData): string {
  const workloads = [...new Set(levels.map(({ workload }) => workload))];
  const kinds = [...new Set(runs.map(({ kind }) => kind))];
  return `<form class="controls" aria-label="Filters">
${select("kind", "Kind of run", [["", "all"], ...kinds.map((kind) => [kind, kind] as const)])}
${select("workload", "Workload", [["", "all"], ...workloads.map((workload) => [workload, workload] as const)])}
${select("machine", "Machine", [
  ["", "all"],
  ...machinesOf(runs).map(([print, words]) => [print, `${print}: ${words}`] as const),
])}
</form>`;
}

function select(
  id: string,
  title: string,
  options: readonly (readonly [value: string, words: string])[],
  selected?: string,
): string {
  const written = options.map(
    ([value, words]) =>
      `<option value="${escapeText(value)}"${value === selected ? " selected" : ""}>${escapeText(words)}</option>`,
  );
  return `<label for="${id}">${title}<select id="${id}">${written.join("")}</select></label>`;
}

function runsSection(runs: readonly RunEntry[]): string {
  const columns = ["started", "kind", "outcome", "commit", "seed", "machine", "command"];
  const head = columns.map(
    (column) =>
      `<th aria-sort="${column === "started" ? "descending" : "none"}"><button type="button">${column}</button></th>`,
  );
  return `<section>
<h2>Runs</h2>
<div class="scroll tall" tabindex="0" role="region" aria-label="Runs"><table class="runs" id="runs"><thead><tr>${head.join("")}</tr></thead><tbody>
${runs.toReversed().map(runRow).join("\n")}
</tbody></table></div>
</section>`;
}

function runRow(run: RunEntry): string {
  const commit = `${run.commit.slice(0, 10)}${run.dirty ? " +" : ""}`;
  const attributes = `data-kind="${run.kind}" data-machine="${run.fingerprint ?? ""}"`;
  return `<tr ${attributes}><td><a href="${escapeText(run.link)}">${escapeText(run.startedAt.slice(0, 16).replace("T", " "))}</a></td><td>${kindOf(run)}</td><td>${outcome(run)}</td><td title="${escapeText(run.commit)}">${escapeText(commit)}</td><td data-value="${run.seed ?? ""}">${run.seed ?? "–"}</td><td title="${escapeText(run.machine)}">${run.fingerprint ?? "–"}</td><td class="command"><code>${escapeText(run.command)}</code></td></tr>`;
}

function kindOf({ kind, quick, baseline }: RunEntry): string {
  return [kind, ...(quick ? ["quick"] : []), ...(baseline ? ["baseline"] : [])].join(", ");
}

function outcome({ outcome, verdicts }: RunEntry): string {
  const word = `<span class="${outcome}">${outcome}</span>`;
  if (verdicts.length === 0) return word;
  const passed = verdicts.filter((verdict) => verdict.outcome === "pass").length;
  const items = verdicts.map(
    (verdict) =>
      `<li><span class="${verdict.outcome}">${verdict.outcome}</span> ${escapeText(verdict.claim)}</li>`,
  );
  return `<details><summary>${word}, ${passed} of ${verdicts.length}</summary><ul>${items.join("")}</ul></details>`;
}

/** Any two; at first the newest report, or else the newest run of which there are two, and what it is to be held against. */
function compareSection({ runs }: HistoryData): string {
  const newestFirst = runs.toReversed();
  const [after, before] = pairsOf(newestFirst).find(([run]) => run.kind === "report") ??
    pairsOf(newestFirst)[0] ?? [newestFirst[0], newestFirst[1]];
  if (after === undefined || before === undefined) return "";
  const options = newestFirst.map((run) => [run.id, runInWords(run)] as const);
  return `<section>
<h2>Two runs beside each other</h2>
<div class="controls">
${select("before", "Before", options, before.id)}
${select("after", "After", options, after.id)}
</div>
<p id="comparable" aria-live="polite"></p>
<div class="scroll tall" tabindex="0" role="region" aria-label="Comparison" id="comparison"></div>
</section>`;
}

/** Each run with the baseline before it, or else the run before it of its kind. */
function pairsOf(newestFirst: readonly RunEntry[]): (readonly [after: RunEntry, before: RunEntry])[] {
  return newestFirst.flatMap((after, i) => {
    const earlier = newestFirst.slice(i + 1).filter(({ kind }) => kind === after.kind);
    const before = earlier.find(({ baseline }) => baseline) ?? earlier[0];
    return before === undefined ? [] : [[after, before] as const];
  });
}

function runInWords(run: RunEntry): string {
  const { id, kind, startedAt, fingerprint, baseline } = run;
  if (kind !== "report") return `${kindOf(run)} ${startedAt.slice(0, 16).replace("T", " ")}`;
  return `${id}${baseline ? ", baseline," : ""} on ${fingerprint ?? "unknown"}`;
}

function changesSection(trends: readonly Trend[]): string {
  if (trends.length === 0) return "";
  const rows = trends.flatMap(({ series, fingerprint, changes }) =>
    changes.map((found) => [
      found.run.id,
      series.workload,
      series.metric,
      series.subject,
      changeInWords(found),
      fingerprint,
    ]),
  );
  const expected = number(trends.length / 100);
  const columns = ["first run of the new level", "workload", "metric", "arm", "change", "machine"];
  return `<section>
<h2>Changes of level</h2>
<p>Of ${trends.length} series, each tested at 1 % for its best split against the same values in random order. By chance alone about ${expected} would show a change. Fewer than eleven runs seldom suffice to show one.</p>
${rows.length === 0 ? '<p class="empty">None.</p>' : table(columns, rows, "text")}
</section>`;
}

function number(value: number): string {
  return Number(value.toPrecision(2)).toString();
}

function trendsSection(trends: readonly Trend[]): string {
  if (trends.length === 0) return "";
  const groups = Map.groupBy(trends, ({ fingerprint, quick, series }) =>
    [fingerprint, quick ? "quick runs" : "full runs", series.workload].join(" · "),
  );
  const subjects = [...new Set(trends.map(({ series }) => series.subject))];
  const legend = subjects.map(
    (subject) => `<li class="${subjectClass(subject)}"><i></i>${escapeText(subject)}</li>`,
  );
  return `<section>
<h2>Trends</h2>
<p>Each machine and mode by itself, since absolute numbers of different ones do not compare. A ring marks the first run of a new level.</p>
<ul class="legend">${legend.join("")}</ul>
${[...groups].map(([title, group]) => trendGroup(title, group)).join("\n")}
</section>`;
}

function trendGroup(title: string, group: readonly Trend[]): string {
  const [first] = group;
  const figures = [...Map.groupBy(group, ({ series }) => series.metric)].map(([metric, ofMetric]) => {
    const unit = ofMetric[0]?.series.unit ?? "";
    const name = unit === "" ? metric : `${metric}, ${unit}`;
    return `<figure><h3>${escapeText(name)}</h3>${trendChart(ofMetric, `${metric}, ${title}`)}</figure>`;
  });
  return `<div class="trend" data-workload="${escapeText(first?.series.workload ?? "")}" data-machine="${first?.fingerprint ?? ""}">
<h3>${escapeText(title)}</h3><div class="grid small">${figures.join("")}</div></div>`;
}
