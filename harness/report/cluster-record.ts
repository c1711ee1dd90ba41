// The part of a record that holds the experiments with a gateway and replicas: what each optimization changes there, alone and together, and
// how much such a system sustains. Absent where they were not run.

import type { AblationFactorId, AblationMetricId, Condition } from "#harness/experiment/ablation-design.ts";
import type { CapacityPlan } from "#harness/experiment/capacity-plan.ts";
import type { ClusterWorkloadId } from "#harness/experiment/cluster-workload.ts";
import type { ArmSaturation } from "#harness/experiment/saturation-of-arms.ts";
import type { ScalabilityFit, ScalabilityPoint } from "#harness/experiment/scalability-law.ts";
import type { Verdict } from "./report-record.ts";

export interface ClusterRecord {
  readonly design: ClusterDesignRecord;
  readonly effects: readonly ClusterEffectRecord[];
  readonly levels: readonly ClusterLevelRecord[];
  readonly capacity: CapacityRecord | null;
  /** The raw material: one arm in one scenario of one block each. */
  readonly cells: readonly ClusterCellRecord[];
}

export interface ClusterScenario {
  readonly workload: ClusterWorkloadId;
  readonly condition: Condition;
}

export interface ClusterDesignRecord {
  readonly factors: readonly {
    readonly id: AblationFactorId;
    readonly label: string;
    readonly meaning: string;
  }[];
  /** By cell of the factorial: bit i is set where factor i is on. */
  readonly arms: readonly {
    readonly cell: number;
    readonly label: string;
    readonly settings: Readonly<Record<string, string>>;
  }[];
  readonly replicas: number;
  readonly streamsPerConnection: number;
  readonly slowReplicaDelayMs: number;
  readonly confidence: number;
  readonly blocksPlanned: number;
  readonly blocks: number;
  readonly interrupted: boolean;
  /** What ended the ablation after its complete blocks; null when nothing did. */
  readonly failure: string | null;
  readonly seconds: number;
  readonly plannedSeconds: number;
  readonly conditions: readonly { readonly condition: Condition; readonly description: string }[];
  readonly workloads: readonly {
    readonly workload: ClusterWorkloadId;
    readonly label: string;
    readonly description: string;
  }[];
  readonly scenarios: readonly ClusterScenarioDesign[];
  /** What the system did not answer, and why. */
  readonly leftOut: readonly { readonly workload: ClusterWorkloadId; readonly reason: string }[];
}

export interface ClusterScenarioDesign extends ClusterScenario {
  readonly concurrency: number;
  /** Calls a second of the open loop; null where the run ended before it was found. */
  readonly openRate: number | null;
  readonly throughputMs: number;
  readonly latencyMs: number;
  /** The 99th percentile of "throughput within the limit"; null where that is not looked for. */
  readonly limitMs: number | null;
}

export interface ClusterEffectRecord extends ClusterScenario {
  readonly metric: AblationMetricId;
  /** One for a main effect, more for an interaction. */
  readonly factors: readonly AblationFactorId[];
  /** With over without, averaged over the other factors; of an interaction, the ratio of ratios. Null for fewer than two blocks. */
  readonly ratio: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
  readonly standardErrorLn: number | null;
  /** Smallest relative change found with 95 % probability. */
  readonly detectable: number | null;
  readonly blocks: number;
  readonly degrees: number;
  readonly verdict: Verdict;
  readonly afterCorrection: boolean;
}

export interface ClusterLevelRecord extends ClusterScenario {
  readonly metric: AblationMetricId;
  readonly cell: number;
  readonly value: number | null;
}

export interface ClusterCellRecord extends ClusterScenario {
  readonly block: number;
  readonly cell: number;
  readonly calls: number;
  readonly values: Readonly<Record<AblationMetricId, number | null>>;
  readonly generatorUtilization: number;
  readonly invalid: string | null;
}

export interface CapacityRecord {
  readonly plan: CapacityPlan;
  readonly workload: ClusterWorkloadId;
  readonly saturation: readonly ArmSaturation[];
  readonly scalability: readonly ScalabilityRecord[];
}

export interface ScalabilityRecord {
  readonly arm: string;
  readonly over: "connections" | "replicas";
  readonly points: readonly ScalabilityPoint[];
  readonly slicesLeftOut: number;
  readonly fit: ScalabilityFit | null;
  /** Why there is none. */
  readonly noFit: string | null;
}
