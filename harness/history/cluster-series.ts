// The numbers of a run's experiments with a gateway and replicas that are followed from run to run: what each optimization changes by itself,
// and throughput and p99 with none and with all of them.

import { type AblationMetricId, ablationMetrics } from "#harness/experiment/ablation-design.ts";
import type { ClusterRecord, ClusterScenario } from "#harness/report/cluster-record.ts";
import { clusterScenarioLabel, factorsLabel } from "#harness/report/cluster-words.ts";
import type { SeriesName } from "./run-entry.ts";

export interface SeriesValue {
  readonly name: SeriesName;
  /** Value, and the ends of its interval. */
  readonly of: readonly (number | null)[];
}

const followed: readonly AblationMetricId[] = ["callsPerSecond", "p99Ms"];

export function clusterLevels({ design, levels }: ClusterRecord): SeriesValue[] {
  const [none, all] = [design.arms[0], design.arms.at(-1)];
  return levels.flatMap(({ cell, metric, value, ...scenario }) => {
    const arm = [none, all].find((candidate) => candidate?.cell === cell);
    if (arm === undefined || !followed.includes(metric)) return [];
    return [{ name: nameOf(scenario, metric, arm.label), of: [value, null, null] }];
  });
}

export function clusterEffects({ effects }: ClusterRecord): SeriesValue[] {
  return effects
    .filter(({ factors }) => factors.length === 1)
    .map(({ factors, metric, ratio, low, high, ...scenario }) => ({
      name: nameOf(scenario, metric, factorsLabel(factors)),
      of: [ratio, low, high],
    }));
}

function nameOf(scenario: ClusterScenario, id: AblationMetricId, subject: string): SeriesName {
  const metric = ablationMetrics.find((candidate) => candidate.id === id);
  if (metric === undefined) throw new RangeError(`no metric is called ${id}`);
  const { label, unit, better } = metric;
  const workload = `gateway: ${clusterScenarioLabel(scenario)}`;
  return { key: `${workload}|${id}|${subject}`, workload, metric: label, unit, better, subject };
}
