// The three sections with charts: effects, latency, and what a call costs.

import { arms } from "#harness/experiment/arms.ts";
import { type Metric, type MetricId, metrics } from "#harness/experiment/metrics.ts";
import { effectColumns, effectRows, isOf, levelRows, levelsOf } from "./effect-table.ts";
import { forestPlot } from "./forest-plot.ts";
import { details, table } from "./html-table.ts";
import { bars, levelBars } from "./level-bars.ts";
import { percentilePlot } from "./percentile-plot.ts";
import { number, scenarioLabel, workloadLabel } from "./phrases.ts";
import type { ReportRecord, ScenarioDesign } from "./report-record.ts";
import { escapeText } from "./svg.ts";

export function effectsSection(record: ReportRecord): string {
  return `<section>
<h2>Effect of each optimization</h2>
<p>Ratio with the optimization to without it, averaged over the other one, with its ${record.design.confidence * 100} % interval. An interaction of 1 means that the two effects multiply.</p>
<ul class="legend"><li><i class="round tint-better"></i>better</li><li><i class="round tint-worse"></i>worse</li><li><i class="round tint-joint"></i>not independent</li><li><i class="ring tint-none"></i>none seen (≥: smallest detectable), or within 1 %</li></ul>
<div class="grid">
${record.design.scenarios
  .map((scenario) => {
    const name = scenarioLabel(scenario);
    const effects = record.effects.filter((effect) => isOf(effect, scenario));
    return figure(name, forestPlot(effects, `Effects on ${name}`));
  })
  .join("\n")}
</div>
${details("All effects as a table", record.design.scenarios.map((s) => effectTable(record, s, true)).join(""))}
${details("Each effect at one level of the other factor", record.design.scenarios.map((s) => effectTable(record, s, false)).join(""))}
</section>`;
}

export function latencySection(record: ReportRecord): string {
  return `<section>
<h2>Latency</h2>
<p>From the intended time of each call, at the same rate for every arm. Calls of all restarts together: the curves show the shape, the effects above compare.</p>
${legend()}
<div class="grid">
${record.design.scenarios
  .map((scenario) => {
    const name = scenarioLabel(scenario);
    const found = record.distributions.filter((distribution) => isOf(distribution, scenario));
    return figure(
      name,
      percentilePlot(found, `Latency of ${name}`),
      `${number(scenario.openRate)} calls/s, open loop`,
    );
  })
  .join("\n")}
</div>
</section>`;
}

/** A closed loop's number of calls a second is throughput on loopback, and goodput where the link is the limit. */
const shownOn: Readonly<Record<ScenarioDesign["link"], readonly MetricId[]>> = {
  loopback: [
    "callsPerSecond",
    "cpuMicrosPerCall",
    "databaseCpuMicrosPerCall",
    "allocatedBytesPerCall",
    "wireBytesPerCall",
    "cacheHitRatio",
  ],
  shaped: ["callsPerSecond"],
};

export function levelsSection(record: ReportRecord): string {
  const workloads = [...new Set(record.design.scenarios.map((scenario) => scenario.workload))];
  return `<section>
<h2>Throughput and what a call costs</h2>
<p>Means over restarts with their intervals. They belong to this machine; the effects above are what carries over.</p>
${legend()}
${workloads
  .map((workload) => {
    const scenarios = record.design.scenarios.filter((scenario) => scenario.workload === workload);
    return `<h3>${escapeText(workloadLabel[workload])}</h3>
<div class="grid small">${scenarios.flatMap((scenario) => panels(record, scenario)).join("\n")}</div>`;
  })
  .join("\n")}
${details("All means as a table", record.design.scenarios.map((s) => levelTable(record, s)).join(""))}
</section>`;
}

function panels(record: ReportRecord, scenario: ScenarioDesign): string[] {
  return metrics
    .filter((metric) => shownOn[scenario.link].includes(metric.id))
    .flatMap((metric) => {
      const levels = levelsOf(record, scenario, metric);
      if (levels.every((level) => level.value === null)) return [];
      const name = panelName(metric, scenario);
      return [figure(name, levelBars(levels, "", `${name}, ${scenarioLabel(scenario)}`))];
    });
}

function panelName(metric: Metric, scenario: ScenarioDesign): string {
  const unit = metric.unit === "" ? "" : `, ${metric.unit}`;
  return `${metric.label}${scenario.link === "shaped" ? " over the shaped link" : ""}${unit}`;
}

/** What a call costs the generator, beside what it costs the server it measures. */
export function generatorChart({ generator, levels }: ReportRecord): string {
  const server = (arm: string) =>
    levels.find(
      (level) =>
        level.workload === "hot-reads" &&
        level.link === "loopback" &&
        level.metric === "cpuMicrosPerCall" &&
        level.arm === arm,
    )?.value ?? null;
  const list = [
    { name: "this generator", value: generator.wireMicrosPerCall, className: "tint-better" },
    { name: "grpc-js as generator", value: generator.grpcJsMicrosPerCall, className: "tint-none" },
    { name: "server, caching only", value: server("caching"), className: "arm-caching" },
    { name: "server, neither", value: server("neither"), className: "arm-neither" },
  ];
  const title = "CPU of one hot read, µs";
  return `<div class="alone">${figure(title, bars(list, "", title, 132))}</div>`;
}

function effectTable(record: ReportRecord, scenario: ScenarioDesign, averaged: boolean): string {
  return `<h3>${escapeText(scenarioLabel(scenario))}</h3>${table(effectColumns, effectRows(record, scenario, averaged))}`;
}

function levelTable(record: ReportRecord, scenario: ScenarioDesign): string {
  const columns = ["", ...arms.map((arm) => arm.label)];
  return `<h3>${escapeText(scenarioLabel(scenario))}</h3>${table(columns, levelRows(record, scenario))}`;
}

function legend(): string {
  return `<ul class="legend">${arms
    .map((arm) => `<li class="arm-${arm.id.replace("+", "-")}"><i></i>${escapeText(arm.label)}</li>`)
    .join("")}</ul>`;
}

function figure(title: string, drawing: string, caption = ""): string {
  const foot = caption === "" ? "" : `<figcaption>${escapeText(caption)}</figcaption>`;
  return `<figure><h3>${escapeText(title)}</h3>${drawing}${foot}</figure>`;
}
