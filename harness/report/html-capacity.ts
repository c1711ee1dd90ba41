// The section of the page on how much a gateway with replicas sustains, and how that grows.

import { clusterWorkloadFacts } from "#harness/experiment/cluster-workload.ts";
import type { CapacityRecord, ScalabilityRecord } from "./cluster-record.ts";
import { saturationColumns, saturationRows, scalabilityColumns, scalabilityRows } from "./cluster-tables.ts";
import { saturationSentence, scalabilitySentence } from "./cluster-words.ts";
import { details, table } from "./html-table.ts";
import { scalabilityPlot } from "./scalability-plot.ts";
import { escapeText } from "./svg.ts";

export function capacitySection(capacity: CapacityRecord | null): string {
  if (capacity === null) return "";
  const { plan, workload, saturation, scalability } = capacity;
  const label = clusterWorkloadFacts[workload].label;
  return `<section>
<h2>How much it sustains</h2>
<p>The highest rate of ${label} over loopback whose 99th percentile stays within ${plan.p99Ms} ms, as an interval: the lower end was sustained, the upper was not, each by the majority of its slices and confirmed at the end.</p>
<ul>${saturation.map((found) => `<li>${escapeText(saturationSentence(found))}</li>`).join("\n")}</ul>
${table(saturationColumns, saturationRows(capacity))}
<h3>How it grows</h3>
<p>Gateway, replicas and database share one core throughout: what is seen is what sharing costs, not what more machines would bring. The universal scalability law describes the numbers that were measured and no others.</p>
<div class="grid">
${scalability.map(seriesFigure).join("\n")}
</div>
</section>`;
}

function seriesFigure(series: ScalabilityRecord): string {
  const title = `Throughput over ${series.over}`;
  return `<figure><h3>${escapeText(title)}</h3>${scalabilityPlot(series, title)}<figcaption>${escapeText(scalabilitySentence(series))}</figcaption>${details("Points and residuals", table(scalabilityColumns, scalabilityRows(series)))}</figure>`;
}
