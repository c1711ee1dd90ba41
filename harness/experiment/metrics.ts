// What is measured of a slice, and how each number is to be read. Times are milliseconds, CPU microseconds.

export type MetricId =
  | "callsPerSecond"
  | "p50Ms"
  | "p90Ms"
  | "p99Ms"
  | "cpuMicrosPerCall"
  | "databaseCpuMicrosPerCall"
  | "allocatedBytesPerCall"
  | "wireBytesPerCall"
  | "databaseQueriesPerCall"
  | "cacheHitRatio";

export interface Metric {
  readonly id: MetricId;
  readonly label: string;
  readonly unit: string;
  /** The phase whose slices carry it. */
  readonly phase: "throughput" | "latency";
  readonly better: "lower" | "higher";
  /** Where its effects are estimated; elsewhere only its level is reported. A number that can be 0 has no ratio. */
  readonly effectOn: readonly ("loopback" | "shaped")[];
}

export const metrics: readonly Metric[] = [
  {
    id: "callsPerSecond",
    label: "throughput",
    unit: "calls/s",
    phase: "throughput",
    better: "higher",
    effectOn: ["loopback", "shaped"],
  },
  {
    id: "cpuMicrosPerCall",
    label: "server CPU per call",
    unit: "µs",
    phase: "throughput",
    better: "lower",
    effectOn: ["loopback"],
  },
  {
    id: "p50Ms",
    label: "median latency",
    unit: "ms",
    phase: "latency",
    better: "lower",
    effectOn: ["loopback", "shaped"],
  },
  {
    id: "p90Ms",
    label: "p90 latency",
    unit: "ms",
    phase: "latency",
    better: "lower",
    effectOn: ["loopback", "shaped"],
  },
  {
    id: "p99Ms",
    label: "p99 latency",
    unit: "ms",
    phase: "latency",
    better: "lower",
    effectOn: ["loopback", "shaped"],
  },
  {
    id: "allocatedBytesPerCall",
    label: "allocation per call",
    unit: "B",
    phase: "throughput",
    better: "lower",
    effectOn: ["loopback"],
  },
  {
    id: "wireBytesPerCall",
    label: "wire bytes per call",
    unit: "B",
    phase: "throughput",
    better: "lower",
    effectOn: ["loopback"],
  },
  {
    id: "databaseCpuMicrosPerCall",
    label: "database CPU per call",
    unit: "µs",
    phase: "throughput",
    better: "lower",
    effectOn: [],
  },
  {
    id: "databaseQueriesPerCall",
    label: "database queries per call",
    unit: "",
    phase: "throughput",
    better: "lower",
    effectOn: [],
  },
  {
    id: "cacheHitRatio",
    label: "cache hit ratio",
    unit: "",
    phase: "throughput",
    better: "higher",
    effectOn: [],
  },
];
