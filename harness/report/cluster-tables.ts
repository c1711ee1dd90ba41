// The rows of the experiments with a gateway and replicas that both renderings show.

import { ablationMetrics } from "#harness/experiment/ablation-design.ts";
import type {
  CapacityRecord,
  ClusterEffectRecord,
  ClusterRecord,
  ClusterScenario,
  ScalabilityRecord,
} from "./cluster-record.ts";
import {
  clusterMetricLabel,
  clusterScenarioLabel,
  conditionLabel,
  factorsLabel,
  generatorProof,
  isOfScenario,
} from "./cluster-words.ts";
import type { Fact } from "./facts.ts";
import { change, detectable, interval, number } from "./phrases.ts";

export const clusterEffectColumns = [
  "effect",
  "metric",
  "with ÷ without",
  "interval",
  "finding",
  "smallest detectable",
  "blocks",
] as const;

/** Of one scenario: main effects first, then interactions. What was not measured at all is left out. */
export function clusterEffectRows({ effects }: ClusterRecord, scenario: ClusterScenario): string[][] {
  const known = new Set(
    effects.filter((e) => isOfScenario(e, scenario) && e.ratio !== null).map((e) => e.metric),
  );
  return effects
    .filter((effect) => isOfScenario(effect, scenario) && known.has(effect.metric))
    .map((effect) => [
      factorsLabel(effect.factors),
      clusterMetricLabel(effect.metric),
      effect.ratio === null ? "–" : change(effect.ratio),
      interval(effect),
      findingOf(effect),
      detectable(effect),
      String(effect.blocks),
    ]);
}

function findingOf({ verdict, factors, afterCorrection }: ClusterEffectRecord): string {
  if (verdict === "negligible") return "no effect (within 1 %)";
  if (verdict === "none seen") return "no effect seen";
  if (verdict === "unknown") return "not known";
  // Interactions of three and more are shown and not judged.
  if (factors.length > 2) return "interact (not judged)";
  const word = factors.length > 1 ? "interact" : verdict === "better" ? "pays" : "costs";
  return afterCorrection ? word : `${word} (uncorrected)`;
}

/** One row for each arm, one column for each metric that was measured in the scenario. */
export function clusterLevelTable(
  { design, levels }: ClusterRecord,
  scenario: ClusterScenario,
): { readonly columns: string[]; readonly rows: string[][] } {
  const here = levels.filter((level) => isOfScenario(level, scenario) && level.value !== null);
  const metrics = ablationMetrics.filter(({ id }) => here.some(({ metric }) => metric === id));
  return {
    columns: ["arm", ...metrics.map(({ label, unit }) => `${label}, ${unit}`)],
    rows: design.arms.map(({ cell, label }) => [
      label,
      ...metrics.map(({ id }) => {
        const value = here.find((level) => level.metric === id && level.cell === cell)?.value;
        return value === undefined || value === null ? "–" : number(value);
      }),
    ]),
  };
}

export function clusterDesignFacts({ design, cells }: ClusterRecord): Fact[] {
  const invalid = cells.filter((cell) => cell.invalid !== null);
  return [
    [
      "system",
      `a gateway and ${design.replicas} replicas with ${design.streamsPerConnection} streams a connection; the last replica is ${design.slowReplicaDelayMs} ms further away, each way`,
    ],
    ...design.factors.map(({ label, meaning }): Fact => [label.toLowerCase(), meaning]),
    ["arms", `${design.arms.length}, every combination of them`],
    ["blocks", `${design.blocks} of ${design.blocksPlanned} planned`],
    ...design.conditions.map(
      ({ condition, description }): Fact => [`network: ${conditionLabel[condition]}`, description],
    ),
    ...design.workloads.map(({ label, description }): Fact => [label, description]),
    ...design.scenarios.map(
      (scenario): Fact => [
        clusterScenarioLabel(scenario),
        `${scenario.concurrency} calls in flight for ${number(scenario.throughputMs)} ms; open loop ${scenario.openRate === null ? "not begun" : `at ${number(scenario.openRate)} calls/s for ${number(scenario.latencyMs)} ms`}${scenario.limitMs === null ? "" : `; limit of the 99th percentile ${number(scenario.limitMs)} ms`}`,
      ],
    ),
    ...design.leftOut.map(({ workload, reason }): Fact => [`left out: ${workload}`, reason]),
    [
      "slices that do not count",
      `${invalid.length} of ${cells.length}${invalid.length === 0 ? "" : `: ${[...new Set(invalid.map(({ invalid: why }) => why ?? ""))].slice(0, 3).join(" | ")}`}`,
    ],
    ["time", `${number(design.seconds)} s taken, ${number(design.plannedSeconds)} s planned`],
  ];
}

export const saturationColumns = [
  "arm",
  "sustained, calls/s",
  "exceeded, calls/s",
  "p99 when sustained, ms",
  "p99 when exceeded, ms",
  "limited by",
  "the generator",
  "trials",
] as const;

export function saturationRows({ saturation }: CapacityRecord): string[][] {
  return saturation.map((found) => {
    const p99At = (rate: number | null) => {
      const known = found.trials.flatMap((trial) =>
        trial.rate === rate && trial.p99Ms !== null ? [trial.p99Ms] : [],
      );
      return known.length === 0
        ? "–"
        : number(known.sort((a, b) => a - b)[Math.floor(known.length / 2)] ?? 0);
    };
    return [
      found.arm,
      found.sustained === null ? "none" : number(found.sustained),
      found.exceeded === null ? "none" : number(found.exceeded),
      p99At(found.sustained),
      p99At(found.exceeded),
      found.limitedBy,
      generatorProof(found),
      String(found.trials.length),
    ];
  });
}

export const scalabilityColumns = ["N", "measured, calls/s", "fitted, calls/s", "residual"] as const;

export function scalabilityRows({ points, fit }: ScalabilityRecord): string[][] {
  return points.map(({ n, throughputs }) => {
    const mean = Math.exp(throughputs.reduce((sum, x) => sum + Math.log(x), 0) / throughputs.length);
    const fitted = fit?.residuals.find((one) => one.n === n);
    return [
      String(n),
      number(mean),
      fitted === undefined ? "–" : number(fitted.fitted),
      fitted === undefined ? "–" : change(Math.exp(fitted.residual)),
    ];
  });
}
