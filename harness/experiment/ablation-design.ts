// The ablation's factors, arms and network conditions, as data. An arm is a gateway and replicas of the services behind it; an arm's number
// is its cell in the factorial: bit i is set where factor i is on.

import { type LinkName, links } from "#harness/fault/links.ts";

export type AblationFactorId = "compression" | "caching" | "pooling" | "balancing";

export interface AblationFactor {
  readonly id: AblationFactorId;
  readonly label: string;
  /** What it means to be on and off, for the report. */
  readonly meaning: string;
}

export const ablationFactors: readonly AblationFactor[] = [
  {
    id: "compression",
    label: "Compression",
    meaning: "responses are compressed from 1 kB on, or never",
  },
  {
    id: "caching",
    label: "Caching",
    meaning: "responses are cached at the gateway and at the replicas, or nowhere",
  },
  {
    id: "pooling",
    label: "Pooling",
    meaning:
      "the gateway makes further connections to a replica whose connections are full, or has one to each",
  },
  {
    id: "balancing",
    label: "Balancing",
    meaning: "the gateway prefers the replica with the fewest calls under way, or takes each in turn",
  },
];

/** The settings of an arm. Factors that an experiment does not vary are off, so that calls reach the replicas. */
export interface AblationArm {
  readonly cell: number;
  readonly label: string;
  /** Of every process of the arm. */
  readonly settings: Readonly<Record<string, string>>;
}

export function ablationArms(varied: readonly AblationFactorId[]): AblationArm[] {
  return Array.from({ length: 2 ** varied.length }, (_, cell) => {
    const on = varied.filter((_factor, bit) => (cell >> bit) & 1);
    const has = (factor: AblationFactorId) => on.includes(factor);
    const off = [...(has("compression") ? [] : ["compression"]), ...(has("caching") ? [] : ["cache"])];
    return {
      cell,
      label: on.join("+") || "none",
      settings: {
        MIDDLEWARE_OFF: off.join(","),
        BACKEND_CONNECTIONS: has("pooling") ? "8" : "1",
        BACKEND_BALANCING: has("balancing") ? "byLoad" : "inTurn",
      },
    };
  });
}

/** Fixed for every arm: few streams on a connection, so that pooling has something to do, and one replica that is far away. */
export const clusterDesign = Object.freeze({
  streamsPerConnection: 4,
  /** Each way, before the slow replica. */
  slowReplicaDelayMs: 10,
});

/** The link between callers and the gateway. */
export type Condition = LinkName;

export function conditionText(condition: LinkName): string {
  const link = links[condition];
  if (link === undefined) return "no link between";
  const jitter = "jitterMs" in link ? ` ± ${link.jitterMs}` : "";
  return `${link.delayMs}${jitter} ms each way, ${(link.bandwidthBytesPerSecond * 8) / 1e6} Mbit/s`;
}

export type AblationMetricId =
  | "callsPerSecondAtLimit"
  | "callsPerSecond"
  | "p50Ms"
  | "p99Ms"
  | "cpuMicrosPerCall"
  | "allocatedBytesPerCall"
  | "wireBytesPerCall"
  | "memoryBytes";

export interface AblationMetric {
  readonly id: AblationMetricId;
  readonly label: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
}

export const ablationMetrics: readonly AblationMetric[] = [
  { id: "callsPerSecondAtLimit", label: "throughput within the limit", unit: "calls/s", better: "higher" },
  { id: "callsPerSecond", label: "throughput", unit: "calls/s", better: "higher" },
  { id: "p50Ms", label: "median latency", unit: "ms", better: "lower" },
  { id: "p99Ms", label: "p99 latency", unit: "ms", better: "lower" },
  { id: "cpuMicrosPerCall", label: "CPU per call", unit: "µs", better: "lower" },
  { id: "allocatedBytesPerCall", label: "allocation per call", unit: "B", better: "lower" },
  { id: "wireBytesPerCall", label: "wire bytes per call", unit: "B", better: "lower" },
  { id: "memoryBytes", label: "memory", unit: "B", better: "lower" },
];
