// What the experiments with a gateway and replicas measure, and for how long: fixed by the mode of the run before it starts. Pure data and
// arithmetic; the times are checked against the clock while running.

import { type LinkName, links } from "#harness/fault/links.ts";
import type { AblationFactorId } from "./ablation-design.ts";
import {
  type CapacityPlan,
  capacitySeconds,
  fullCapacityPlan,
  quickCapacityPlan,
  searchedCells,
} from "./capacity-plan.ts";
import {
  type ClusterWorkloadFacts,
  type ClusterWorkloadId,
  clusterWorkloadFacts,
} from "./cluster-workload.ts";

export interface AblationScenario {
  readonly workload: ClusterWorkloadId;
  readonly condition: LinkName;
}

export const keyOf = ({ workload, condition }: AblationScenario): string => `${workload}/${condition}`;

export interface PlannedScenario extends AblationScenario {
  /** Whether the highest rate within the workload's limit of latency is looked for too. */
  readonly atLimit: boolean;
}

export interface AblationPlan {
  readonly factors: readonly AblationFactorId[];
  readonly scenarios: readonly PlannedScenario[];
  readonly blocks: number;
  readonly confidence: number;
  /** Of a slice of a workload of pace 1 on a link without delay. */
  readonly throughputMs: number;
  readonly latencyMs: number;
  /** Of one step of the search for the highest rate within the limit. */
  readonly stepMs: number;
  /** Of each workload, once an arm. */
  readonly warmUpMs: number;
}

export interface ClusterPlan {
  readonly ablation: AblationPlan;
  readonly capacity: CapacityPlan | undefined;
  /** Behind the gateway, in the ablation. */
  readonly replicas: number;
  /** Of orders that are there before the first call. */
  readonly orders: number;
  /** Expected length of everything, and of the capacity in it. */
  readonly seconds: number;
  readonly capacitySeconds: number;
  /** After this many seconds no further block of the ablation is begun. */
  readonly budgetSeconds: number;
}

const scenario = (workload: ClusterWorkloadId, condition: LinkName, atLimit = false): PlannedScenario => ({
  workload,
  condition,
  atLimit,
});

/** Every workload, and every network with those that it changes: calls that are answered from one place, large answers, long ones. */
const everything: readonly PlannedScenario[] = [
  scenario("hot-reads", "loopback", true),
  scenario("hot-reads", "wan"),
  scenario("hot-reads", "mobile"),
  scenario("search-pages", "loopback", true),
  scenario("search-pages", "wan", true),
  scenario("search-pages", "mobile"),
  scenario("order-details", "loopback"),
  scenario("order-details", "wan"),
  scenario("checkout", "loopback"),
  scenario("checkout", "mobile"),
  scenario("bulk-orders", "loopback"),
  scenario("stream-fan-out", "loopback"),
  scenario("stream-fan-out", "lan"),
];

/** Every workload and every network once. */
const eachOnce: readonly PlannedScenario[] = [
  scenario("hot-reads", "loopback", true),
  scenario("search-pages", "mobile"),
  scenario("checkout", "lan"),
  scenario("order-details", "wan"),
  scenario("bulk-orders", "loopback"),
  scenario("stream-fan-out", "lan"),
];

const full: AblationPlan = {
  factors: ["compression", "caching", "pooling", "balancing"],
  scenarios: everything,
  blocks: 2,
  confidence: 0.95,
  throughputMs: 250,
  latencyMs: 400,
  stepMs: 250,
  warmUpMs: 300,
};

const quickFull: AblationPlan = {
  ...full,
  factors: ["pooling", "balancing"],
  scenarios: eachOnce,
  throughputMs: 150,
  latencyMs: 150,
  stepMs: 150,
  warmUpMs: 150,
};

/** What every report holds beside caching and compression. */
const part: AblationPlan = {
  ...full,
  factors: ["pooling", "balancing"],
  scenarios: [scenario("hot-reads", "loopback", true)],
};

/** Undefined for a quick run that is not full: it leaves this out. */
export function planClusterRun(mode: {
  readonly full: boolean;
  readonly quick: boolean;
}): ClusterPlan | undefined {
  if (!mode.full) return mode.quick ? undefined : planned(part, undefined, { replicas: 2, orders: 0 });
  return mode.quick
    ? planned(quickFull, quickCapacityPlan, { replicas: 3, orders: 8 })
    : planned(full, fullCapacityPlan, { replicas: 3, orders: 50 });
}

function planned(
  ablation: AblationPlan,
  capacity: CapacityPlan | undefined,
  size: Pick<ClusterPlan, "replicas" | "orders">,
): ClusterPlan {
  const ofCapacity =
    capacity === undefined
      ? 0
      : capacitySeconds(capacity, searchedCells(capacity, ablation.factors.length).length);
  const seconds = setupSeconds + ablationSeconds(ablation, size.replicas) + ofCapacity;
  return {
    ablation,
    capacity,
    ...size,
    seconds,
    capacitySeconds: ofCapacity,
    budgetSeconds: seconds * mostTimesPlanned - ofCapacity,
  };
}

// In seconds, on two slow cores.
const setupSeconds = 8;
const gatewaySeconds = 1.2;
const replicaSeconds = 1.1;
/** Counters, gaps, what is still open at the end of a slice. */
const gapMs = 120;
/** A busy machine takes longer, but not for ever. */
const mostTimesPlanned = 1.4;

function ablationSeconds(plan: AblationPlan, replicas: number): number {
  const clusterSeconds = gatewaySeconds + replicaSeconds * replicas;
  const workloads = new Set(plan.scenarios.map(({ workload }) => workload)).size;
  const measured = plan.scenarios.reduce((sum, { workload, condition, atLimit }) => {
    const lengths = sliceLengths(plan, clusterWorkloadFacts[workload], condition);
    const steps = atLimit ? 2 * lengths.stepMs : 0;
    return sum + lengths.rampMs + lengths.throughputMs + lengths.latencyMs + steps + gapMs;
  }, 0);
  const arm = clusterSeconds + (workloads * (plan.warmUpMs + gapMs) + measured) / 1000;
  return arm * 2 ** plan.factors.length * plan.blocks + arm / 2 + clusterSeconds / 2;
}

/** Round trips that a slice holds at least, so that what is under way at its ends weighs little. */
const roundTrips = 5;

const shortestRampMs = 50;

/** Of a workload under a condition, in milliseconds. The loop of a throughput slice runs for `rampMs` before it is counted, a whole number of times of which is counted. */
export function sliceLengths(
  plan: Pick<AblationPlan, "throughputMs" | "latencyMs" | "stepMs">,
  { pace }: Pick<ClusterWorkloadFacts, "pace">,
  condition: LinkName,
): {
  readonly rampMs: number;
  readonly throughputMs: number;
  readonly latencyMs: number;
  readonly stepMs: number;
} {
  const roundTripMs = roundTripOf(condition);
  const of = (milliseconds: number) => Math.max(milliseconds * pace, roundTrips * roundTripMs);
  const rampMs = Math.max(shortestRampMs * pace, 1.5 * roundTripMs);
  return {
    rampMs,
    throughputMs: Math.ceil(of(plan.throughputMs) / rampMs) * rampMs,
    latencyMs: of(plan.latencyMs),
    stepMs: of(plan.stepMs),
  };
}

/** Calls of a latency slice that a 99th percentile stands on, with a little more than one beyond it. */
const callsForP99 = 120;
const longestLatencyMs = 1_200;

/** Longer than planned where a 99th percentile can be had by it; slow calls would take too long, and have none. */
export function latencyLengthMs(plannedMs: number, ratePerSecond: number): number {
  const enoughMs = (callsForP99 / ratePerSecond) * 1000;
  return enoughMs > longestLatencyMs ? plannedMs : Math.max(plannedMs, Math.ceil(enoughMs));
}

export function roundTripOf(condition: LinkName): number {
  return 2 * (links[condition]?.delayMs ?? 0);
}
