// The experiments with a gateway and replicas in Markdown: what the page says of them, without charts.

import { clusterWorkloadFacts } from "#harness/experiment/cluster-workload.ts";
import type { CapacityRecord, ClusterRecord } from "./cluster-record.ts";
import {
  clusterDesignFacts,
  clusterEffectColumns,
  clusterEffectRows,
  clusterLevelTable,
  saturationColumns,
  saturationRows,
  scalabilityColumns,
  scalabilityRows,
} from "./cluster-tables.ts";
import {
  clusterFindings,
  clusterInteractions,
  clusterNote,
  clusterScenarioLabel,
  saturationSentence,
  scalabilitySentence,
} from "./cluster-words.ts";
import { markdownTable } from "./markdown-table.ts";

/** Parts, to be joined by empty lines. */
export function clusterMarkdown(cluster: ClusterRecord | undefined): string[] {
  if (cluster === undefined) return [];
  return [
    "## A gateway with replicas",
    clusterNote(cluster),
    clusterFindings(cluster)
      .map(({ factor, meaning, clauses }) =>
        [
          `- **${factor}**: ${meaning}.`,
          ...clauses.map(
            ({ kind, items }) => `  - ${kind}${kind.endsWith("known") ? "" : " on"}: ${items.join("; ")}`,
          ),
        ].join("\n"),
      )
      .join("\n"),
    ...clusterInteractions(cluster).map((sentence) => `- ${sentence}`),
    ...cluster.design.scenarios.map((scenario) => {
      const { columns, rows } = clusterLevelTable(cluster, scenario);
      const effects = markdownTable(clusterEffectColumns, clusterEffectRows(cluster, scenario));
      return folded(
        `Gateway, ${clusterScenarioLabel(scenario)}`,
        `${effects}\n\n${markdownTable(columns, rows)}`,
      );
    }),
    folded("Design of these experiments", markdownTable(["", ""], clusterDesignFacts(cluster))),
    ...capacityMarkdown(cluster.capacity),
  ];
}

function capacityMarkdown(capacity: CapacityRecord | null): string[] {
  if (capacity === null) return [];
  const { plan, workload, saturation, scalability } = capacity;
  return [
    "## How much it sustains",
    `The highest rate of ${clusterWorkloadFacts[workload].label} over loopback whose 99th percentile stays within ${plan.p99Ms} ms: the lower end was sustained, the upper was not.`,
    saturation.map((found) => `- ${saturationSentence(found)}`).join("\n"),
    markdownTable(saturationColumns, saturationRows(capacity)),
    ...scalability.flatMap((series) => [
      `- ${scalabilitySentence(series)}`,
      markdownTable(scalabilityColumns, scalabilityRows(series)),
    ]),
  ];
}

function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`;
}
