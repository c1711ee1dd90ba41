// The sections of the page on a gateway with replicas: what each optimization changes there, in words, as maps and as tables.

import { ablationMetrics } from "#harness/experiment/ablation-design.ts";
import type { ClusterEffectRecord, ClusterRecord } from "./cluster-record.ts";
import {
  clusterDesignFacts,
  clusterEffectColumns,
  clusterEffectRows,
  clusterLevelTable,
} from "./cluster-tables.ts";
import {
  type ClauseKind,
  clusterFindings,
  clusterInteractions,
  clusterNote,
  clusterScenarioLabel,
  isOfScenario,
} from "./cluster-words.ts";
import { capacitySection } from "./html-capacity.ts";
import { details, factTable, table } from "./html-table.ts";
import { change, detectable, interval } from "./phrases.ts";
import { escapeText } from "./svg.ts";

export function clusterSection(cluster: ClusterRecord | undefined): string {
  if (cluster === undefined) return "";
  return `<section>
<h2>A gateway with replicas</h2>
<p>The same system as a gateway and ${cluster.design.replicas} replicas, one of them slow: what each optimization changes there, averaged over the others. ${escapeText(clusterNote(cluster))}</p>
<ul class="findings">
${clusterFindings(cluster).map(finding).join("\n")}
</ul>
${interactions(cluster)}
${cluster.design.factors.map(({ id, label }) => effectMap(cluster, id, label)).join("\n")}
${details("All main effects and interactions", cluster.design.scenarios.map((s) => heading(clusterScenarioLabel(s)) + table(clusterEffectColumns, clusterEffectRows(cluster, s))).join(""))}
${details("Means of every arm", cluster.design.scenarios.map((s) => levelTable(cluster, s)).join(""))}
${details("Design of these experiments", factTable(clusterDesignFacts(cluster)))}
</section>
${capacitySection(cluster.capacity)}`;
}

const kindClass: Readonly<Record<ClauseKind, string>> = {
  pays: "saves",
  costs: "costs",
  "no effect seen": "unseen",
  "not known": "unseen",
};

const kindLabel: Readonly<Record<ClauseKind, string>> = {
  pays: "pays on",
  costs: "costs on",
  "no effect seen": "no effect seen on",
  "not known": "not known on",
};

function finding({ factor, meaning, clauses }: ReturnType<typeof clusterFindings>[number]): string {
  const written = clauses.map(
    ({ kind, items }) =>
      `<p><span class="kind ${kindClass[kind]}">${kindLabel[kind]}</span> ${escapeText(items.join("; "))}</p>`,
  );
  return `<li><b>${escapeText(factor)}</b><p class="caption">${escapeText(meaning)}</p>${written.join("")}</li>`;
}

function interactions(cluster: ClusterRecord): string {
  const sentences = clusterInteractions(cluster);
  if (sentences.length === 0) return "<p>No interaction of two holds after correction.</p>";
  return `<ul>${sentences.map((sentence) => `<li>${escapeText(sentence)}</li>`).join("\n")}</ul>`;
}

/** Scenarios down, metrics across: where one optimization pays and costs, at a glance. */
function effectMap({ design, effects }: ClusterRecord, factor: string, label: string): string {
  const mine = effects.filter(({ factors }) => factors.length === 1 && factors[0] === factor);
  const metrics = ablationMetrics.filter(({ id }) => mine.some((e) => e.metric === id && e.ratio !== null));
  const rows = design.scenarios.map((scenario) => {
    const cells = metrics.map(({ id }) =>
      mapCell(mine.find((effect) => effect.metric === id && isOfScenario(effect, scenario))),
    );
    return `<tr><td>${escapeText(clusterScenarioLabel(scenario))}</td>${cells.join("")}</tr>`;
  });
  const head = metrics.map((metric) => `<th>${escapeText(metric.label)}</th>`).join("");
  return `<h3>${escapeText(label)}</h3>
<div class="scroll"><table class="numbers"><thead><tr><th></th>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

function mapCell(effect: ClusterEffectRecord | undefined): string {
  if (effect === undefined || effect.ratio === null) return "<td>–</td>";
  const seen = effect.verdict === "better" || effect.verdict === "worse";
  const className = effect.verdict === "better" ? "saves" : effect.verdict === "worse" ? "costs" : "unseen";
  const hint = `${interval(effect)}, smallest detectable ${detectable(effect)}${effect.afterCorrection ? "" : ", uncorrected"}`;
  const text = seen ? change(effect.ratio) : effect.verdict === "negligible" ? "within 1 %" : "none seen";
  return `<td class="${className}" title="${escapeText(hint)}">${escapeText(text)}</td>`;
}

function levelTable(cluster: ClusterRecord, scenario: ClusterRecord["design"]["scenarios"][number]): string {
  const { columns, rows } = clusterLevelTable(cluster, scenario);
  return heading(clusterScenarioLabel(scenario)) + table(columns, rows);
}

function heading(text: string): string {
  return `<h3>${escapeText(text)}</h3>`;
}
