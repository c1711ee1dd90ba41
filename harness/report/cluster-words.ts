// What the experiments with a gateway and replicas found, in words, from their records alone: for each optimization where it pays, where it
// costs, and where nothing was seen. Used by the Markdown and the HTML alike.

import type { Condition } from "#harness/experiment/ablation-design.ts";
import {
  type AblationMetricId,
  ablationFactors,
  ablationMetrics,
} from "#harness/experiment/ablation-design.ts";
import { clusterWorkloadFacts } from "#harness/experiment/cluster-workload.ts";
import type {
  CapacityRecord,
  ClusterEffectRecord,
  ClusterRecord,
  ClusterScenario,
  ScalabilityRecord,
} from "./cluster-record.ts";
import { change, detectable, interval, number } from "./phrases.ts";

export interface ClusterFinding {
  readonly factor: string;
  readonly meaning: string;
  /** In the order of the list below. */
  readonly clauses: readonly { readonly kind: ClauseKind; readonly items: readonly string[] }[];
}

export const clauseKinds = ["pays", "costs", "no effect seen", "not known"] as const;
export type ClauseKind = (typeof clauseKinds)[number];

export const conditionLabel: Readonly<Record<Condition, string>> = {
  loopback: "loopback",
  lan: "LAN",
  wan: "WAN",
  mobile: "mobile",
};

export function clusterScenarioLabel({ workload, condition }: ClusterScenario): string {
  return `${clusterWorkloadFacts[workload].label} over ${conditionLabel[condition]}`;
}

export function clusterMetricLabel(id: AblationMetricId): string {
  return ablationMetrics.find((metric) => metric.id === id)?.label ?? id;
}

/** "pooling", "pooling × balancing". */
export function factorsLabel(factors: ClusterEffectRecord["factors"]): string {
  return factors
    .map((id) => ablationFactors.find((factor) => factor.id === id)?.label.toLowerCase() ?? id)
    .join(" × ");
}

export function clusterFindings({ design, effects }: ClusterRecord): ClusterFinding[] {
  return design.factors.map(({ id, label, meaning }) => {
    const mine = effects.filter(({ factors }) => factors.length === 1 && factors[0] === id);
    const clauses = clauseKinds.flatMap((kind) => {
      const items = design.scenarios.flatMap((scenario) => {
        const here = mine.filter((effect) => isOfScenario(effect, scenario));
        const text = clauseOf(kind, here);
        return text === undefined ? [] : [`${clusterScenarioLabel(scenario)} (${text})`];
      });
      return items.length === 0 ? [] : [{ kind, items }];
    });
    return { factor: label, meaning, clauses };
  });
}

/** A line for each optimization. */
export function clusterInShort(cluster: ClusterRecord): string {
  const scenarios = cluster.design.scenarios.length;
  return clusterFindings(cluster)
    .map(({ factor, clauses }) => {
      const counts = clauses.map(
        ({ kind, items }) => `${kind}${kind === "not known" ? "" : " on"} ${items.length}`,
      );
      return `${factor} at a gateway, of ${scenarios} ${scenarios === 1 ? "scenario" : "scenarios"}: ${counts.join(", ")}\n`;
    })
    .join("");
}

export function isOfScenario<T extends ClusterScenario>(one: T, scenario: ClusterScenario): boolean {
  return one.workload === scenario.workload && one.condition === scenario.condition;
}

function clauseOf(kind: ClauseKind, effects: readonly ClusterEffectRecord[]): string | undefined {
  const seen = effects.filter(({ verdict }) => verdict === "better" || verdict === "worse");
  const of = (list: readonly ClusterEffectRecord[], text: (effect: ClusterEffectRecord) => string) =>
    list.length === 0 ? undefined : list.map(text).join(", ");
  if (kind === "pays")
    return of(
      seen.filter(({ verdict }) => verdict === "better"),
      sized,
    );
  if (kind === "costs")
    return of(
      seen.filter(({ verdict }) => verdict === "worse"),
      sized,
    );
  if (seen.length > 0) return undefined;
  const known = effects.filter(({ verdict }) => verdict !== "unknown");
  if (kind === "not known") return known.length === 0 ? "too few blocks that count" : undefined;
  return of(
    known,
    (effect) =>
      `${clusterMetricLabel(effect.metric)}: ${effect.verdict === "negligible" ? "within 1 %" : `smallest detectable ${detectable(effect)}`}`,
  );
}

function sized(effect: ClusterEffectRecord): string {
  const mark = effect.afterCorrection ? "" : "; uncorrected";
  return `${clusterMetricLabel(effect.metric)} ${change(effect.ratio ?? 1)} (${interval(effect)}${mark})`;
}

/** Interactions of two that hold after correction. */
export function clusterInteractions({ effects }: ClusterRecord): string[] {
  return effects
    .filter(({ factors, afterCorrection }) => factors.length === 2 && afterCorrection)
    .map(
      (effect) =>
        `On ${clusterScenarioLabel(effect)}, ${clusterMetricLabel(effect.metric)} with ${factorsLabel(effect.factors).replace(" × ", " and ")} together is ${change(effect.ratio ?? 1)} (${interval(effect)}) against what the two effects multiply to.`,
    );
}

export function clusterNote({ design, effects }: ClusterRecord): string {
  const family = effects.filter(({ factors, ratio }) => factors.length <= 2 && ratio !== null);
  const held = family.filter(({ afterCorrection }) => afterCorrection).length;
  const ended = design.interrupted ? " The run was interrupted; what was complete is here." : "";
  return `Intervals are ${design.confidence * 100} % each, over ${design.blocks} of ${design.blocksPlanned} blocks; a block starts a fresh gateway with ${design.replicas} replicas for each of ${design.arms.length} arms, in random order. Of ${family.length} main effects and interactions of two, ${held} hold after Holm's correction for their number.${ended}`;
}

export function saturationSentence({
  sustained,
  exceeded,
  limitedBy,
  arm,
}: CapacityRecord["saturation"][number]): string {
  if (sustained === null) return `${arm}: not even ${number(exceeded ?? 0)} calls/s were sustained.`;
  if (limitedBy === "generator") {
    return `${arm}: at least ${number(sustained)} calls/s; above that the generator did not keep up, so the system's limit is not known.`;
  }
  if (exceeded === null) return `${arm}: at least ${number(sustained)} calls/s, the highest rate tried.`;
  return `${arm}: ${number(sustained)} to ${number(exceeded)} calls/s.`;
}

/** Whether the generator kept up, over the trials that decided. */
export function generatorProof({
  trials,
  sustained,
  exceeded,
}: CapacityRecord["saturation"][number]): string {
  const decisive = trials.filter(({ rate }) => rate === sustained || rate === exceeded);
  if (decisive.length === 0) return "no trial decided";
  const sent = Math.min(...decisive.map(({ sendShare }) => sendShare));
  const busy = Math.max(...decisive.map(({ generatorUtilization }) => generatorUtilization));
  return `${number(sent * 100)} % of the calls sent in time, generator busy ${number(busy * 100)} % at most`;
}

export function scalabilitySentence({
  over,
  arm,
  fit,
  noFit,
  points,
  slicesLeftOut,
}: ScalabilityRecord): string {
  const left = slicesLeftOut === 0 ? "" : ` ${slicesLeftOut} slices did not count.`;
  if (fit === null) return `Over ${over} (${arm}): no law fits, ${noFit ?? "too few points"}.${left}`;
  const { sigma, kappa, peak, smallest, largest, rSquared } = fit;
  const estimate = (one: { value: number; low: number; high: number }) =>
    `${number(one.value)} (${number(one.low)} to ${number(one.high)})`;
  const top =
    peak === null
      ? `no peak between ${smallest} and ${largest}, and nothing is said beyond`
      : `throughput is highest at ${estimate(peak)} ${over}`;
  return `Over ${over} (${arm}), ${points.length} points from ${smallest} to ${largest}: contention σ = ${estimate(sigma)}, coherency κ = ${estimate(kappa)}, R² = ${number(rSquared)}; ${top}.${left}`;
}
