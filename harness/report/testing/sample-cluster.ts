// Experiments with a gateway made by hand, through the real analysis: pooling pays, balancing costs memory, one workload was left out, the
// generator ended one search, and the law over replicas has too few points.

import type { AblationCell } from "#harness/experiment/ablation.ts";
import { ablationArms } from "#harness/experiment/ablation-design.ts";
import { type ClusterPlan, planClusterRun } from "#harness/experiment/ablation-plan.ts";
import { fullCapacityPlan } from "#harness/experiment/capacity-plan.ts";
import { clusterWorkloadFacts } from "#harness/experiment/cluster-workload.ts";
import type { CapacityResult } from "#harness/experiment/run-cluster-experiments.ts";
import { fitScalability } from "#harness/experiment/scalability-law.ts";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { assembleCluster } from "../assemble-cluster.ts";
import type { ClusterRecord } from "../cluster-record.ts";

const arms = ablationArms(["pooling", "balancing"]);

export function sampleCluster(blocks = 2): ClusterRecord {
  const plan = planClusterRun({ full: true, quick: true }) as ClusterPlan;
  const workload = "hot-reads" as const;
  const open = async () => ({ call: () => () => {}, close: () => {} });
  const facts = { ...clusterWorkloadFacts[workload], id: workload, description: "GetProduct", open };
  const ablation = {
    plan: plan.ablation,
    arms,
    rates: [{ workload, condition: "loopback" as const, rate: 120 }],
    leftOut: [{ workload: "bulk-orders" as const, reason: "no call was answered within 10 s" }],
    blocks,
    cells: sampleCells(blocks),
    interrupted: blocks < plan.ablation.blocks,
    failure: undefined,
  };
  const result = { ablation, workloads: [facts], capacity: sampleCapacity(), seconds: 118 };
  return assembleCluster(result, plan);
}

function sampleCells(blocks: number): AblationCell[] {
  const random = seededRandom(4);
  const noise = () => 1 + 0.01 * (random.next() - 0.5);
  return Array.from({ length: blocks }, (_, block) =>
    arms.map(({ cell }): AblationCell => {
      const [pooling, balancing] = [cell & 1, cell >> 1];
      return {
        workload: "hot-reads",
        condition: "loopback",
        block,
        cell,
        calls: 400,
        values: {
          callsPerSecond: 300 * 1.5 ** pooling * noise(),
          callsPerSecondAtLimit: 200 * 1.6 ** pooling * noise(),
          p50Ms: 12 * 0.8 ** pooling * noise(),
          p99Ms: null,
          cpuMicrosPerCall: 900 * noise(),
          allocatedBytesPerCall: 90_000 * noise(),
          wireBytesPerCall: 700,
          memoryBytes: 6e8 * 1.2 ** balancing * noise(),
        },
        generatorUtilization: 0.1,
        invalid: null,
      };
    }),
  ).flat();
}

function sampleCapacity(): CapacityResult {
  const trial = (rate: number, p99Ms: number, verdict: "sustained" | "too much" | "generator too slow") => ({
    rate,
    p99Ms,
    errorShare: 0,
    sendShare: 0.998,
    generatorUtilization: 0.31,
    verdict,
  });
  const points = fullCapacityPlan.connections.map((n) => {
    const law = (300 * n) / (1 + 0.4 * (n - 1) + 0.002 * n * (n - 1));
    return { n, throughputs: [law * 0.99, law, law * 1.01] };
  });
  const fit = fitScalability(points, seededRandom(5));
  const series = { arm: "pooling+balancing", slicesLeftOut: 0 };
  return {
    plan: fullCapacityPlan,
    workload: "hot-reads",
    saturation: [
      {
        arm: "none",
        sustained: 400,
        exceeded: 440,
        limitedBy: "system",
        trials: [trial(400, 41, "sustained"), trial(440, 66, "too much")],
      },
      {
        arm: "pooling+balancing",
        sustained: 800,
        exceeded: 880,
        limitedBy: "generator",
        trials: [trial(800, 22, "sustained"), trial(880, 24, "generator too slow")],
      },
    ],
    scalability: [
      { ...series, over: "connections", points, fit, noFit: undefined },
      {
        ...series,
        over: "replicas",
        points: points.slice(0, 2),
        fit: undefined,
        noFit: "a fit needs 6 points, got 2",
      },
    ],
  };
}
