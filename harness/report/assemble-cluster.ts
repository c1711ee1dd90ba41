// The record of the experiments with a gateway and replicas, from what was measured. Pure.

import { concurrencyOf, limitOf } from "#harness/experiment/ablation-cell.ts";
import {
  ablationFactors,
  ablationMetrics,
  clusterDesign,
  conditionText,
} from "#harness/experiment/ablation-design.ts";
import { type ClusterPlan, keyOf, latencyLengthMs, sliceLengths } from "#harness/experiment/ablation-plan.ts";
import {
  type AblationEffect,
  ablationLevels,
  analyseAblation,
} from "#harness/experiment/analyse-ablation.ts";
import { clusterWorkloadFacts } from "#harness/experiment/cluster-workload.ts";
import type { CapacityResult, ClusterExperimentResult } from "#harness/experiment/run-cluster-experiments.ts";
import type {
  CapacityRecord,
  ClusterDesignRecord,
  ClusterEffectRecord,
  ClusterRecord,
} from "./cluster-record.ts";
import { finiteExp, verdictOf } from "./effect-records.ts";

export function assembleCluster(result: ClusterExperimentResult, plan: ClusterPlan): ClusterRecord {
  const { ablation, capacity } = result;
  return {
    design: designOf(result, plan),
    effects: analyseAblation(ablation, plan.ablation.confidence).map(effectOf),
    levels: ablationLevels(ablation),
    capacity: capacity === undefined ? null : capacityOf(capacity),
    cells: ablation.cells,
  };
}

/** What a reader must know before believing the numbers, in sentences. */
export function clusterProblems({ design, cells, effects }: ClusterRecord): string[] {
  const invalid = cells.filter((cell) => cell.invalid !== null).length;
  const { blocks, blocksPlanned, interrupted, failure, leftOut } = design;
  const fewer = interrupted ? "the run was interrupted" : (failure ?? "the others did not fit into the time");
  return [
    ...(blocks < blocksPlanned
      ? [`Of the gateway's experiments ${blocks} of ${blocksPlanned} blocks are complete: ${fewer}.`]
      : []),
    ...leftOut.map(({ workload, reason }) => `The workload ${workload} was left out: ${reason}.`),
    ...(invalid > cells.length * mostInvalidShare
      ? [
          `${invalid} of ${cells.length} measurements through the gateway did not count, and their blocks were left out for every arm.`,
        ]
      : []),
    ...(blocks >= leastBlocks && effects.length > 0 && effects.every(({ verdict }) => verdict === "unknown")
      ? ["No effect through the gateway is known: too few blocks count."]
      : []),
  ];
}

const mostInvalidShare = 0.05;
const leastBlocks = 2;

function designOf(
  { ablation, workloads, seconds }: ClusterExperimentResult,
  whole: ClusterPlan,
): ClusterDesignRecord {
  const { plan, rates } = ablation;
  const conditions = [...new Set(plan.scenarios.map(({ condition }) => condition))];
  const measured = workloads.filter(({ id }) => plan.scenarios.some(({ workload }) => workload === id));
  return {
    factors: ablationFactors.filter(({ id }) => plan.factors.includes(id)),
    arms: ablation.arms,
    replicas: whole.replicas,
    ...clusterDesign,
    confidence: plan.confidence,
    blocksPlanned: plan.blocks,
    blocks: ablation.blocks,
    interrupted: ablation.interrupted,
    failure: ablation.failure ?? null,
    seconds,
    plannedSeconds: whole.seconds,
    conditions: conditions.map((condition) => ({ condition, description: conditionText(condition) })),
    workloads: measured.map(({ id, label, description }) => ({ workload: id, label, description })),
    scenarios: plan.scenarios.map(({ workload, condition, atLimit }) => {
      const facts = clusterWorkloadFacts[workload];
      const { throughputMs, latencyMs } = sliceLengths(plan, facts, condition);
      const found = rates.find((rate) => keyOf(rate) === keyOf({ workload, condition }));
      return {
        workload,
        condition,
        concurrency: concurrencyOf(facts, condition),
        openRate: found?.rate ?? null,
        throughputMs,
        latencyMs: found === undefined ? latencyMs : latencyLengthMs(latencyMs, found.rate),
        limitMs: atLimit ? limitOf(facts, condition) : null,
      };
    }),
    leftOut: ablation.leftOut,
  };
}

function effectOf({ contrast, deviation: _, ...effect }: AblationEffect): ClusterEffectRecord {
  if (contrast === undefined) {
    const unknown = { ratio: null, low: null, high: null, p: null, standardErrorLn: null, detectable: null };
    return { ...effect, ...unknown, verdict: "unknown" };
  }
  const { estimate, low, high, p, standardError, detectable } = contrast;
  const better = ablationMetrics.find(({ id }) => id === effect.metric)?.better ?? "lower";
  return {
    ...effect,
    ratio: finiteExp(estimate),
    low: finiteExp(low),
    high: finiteExp(high),
    p,
    standardErrorLn: standardError,
    detectable: Math.min(Math.expm1(detectable), Number.MAX_VALUE),
    verdict: verdictOf(low, high, better),
  };
}

function capacityOf({ plan, workload, saturation, scalability }: CapacityResult): CapacityRecord {
  return {
    plan,
    workload,
    saturation,
    scalability: scalability.map(({ fit = null, noFit = null, ...series }) => ({ ...series, fit, noFit })),
  };
}
