// What the gate looks at, said before anything is measured. Confirmatory metrics decide by their timing, deterministic ones by
// counters that hardly vary; the others are reported and never decide. Throughput is not among them: of a process with one thread
// at saturation it is one over the CPU per request, plus noise. Every number is signed so that more is worse.

export type TimingMetricId = "cpuMicrosPerCall" | "p50Ms" | "p99Ms" | "p90Ms";
export type CounterMetricId =
  | "allocatedBytesPerCall"
  | "wireBytesPerCall"
  | "databaseQueriesPerCall"
  | "cacheMissRatio";

export interface TimingMetric {
  readonly id: TimingMetricId;
  readonly label: string;
  readonly unit: string;
  readonly confirmatory: boolean;
}

export interface CounterMetric {
  readonly id: CounterMetricId;
  readonly label: string;
  readonly unit: string;
  /** Largest change that may pass: 0.02 is 2 %. */
  readonly tolerance: number;
  /** `points`: a share, compared by its difference; else by its ratio. */
  readonly compare: "ratio" | "points";
  /** A base below it counts as it in the ratio: of next to nothing the background makes any ratio. Default 0. */
  readonly floor?: number;
}

export const timingMetrics: readonly TimingMetric[] = [
  { id: "cpuMicrosPerCall", label: "server CPU per call when busy", unit: "µs", confirmatory: true },
  { id: "p50Ms", label: "median latency", unit: "ms", confirmatory: true },
  { id: "p99Ms", label: "p99 latency", unit: "ms", confirmatory: true },
  { id: "p90Ms", label: "p90 latency", unit: "ms", confirmatory: false },
];

export const counterMetrics: readonly CounterMetric[] = [
  { id: "allocatedBytesPerCall", label: "allocation per call", unit: "B", tolerance: 0.02, compare: "ratio" },
  { id: "wireBytesPerCall", label: "wire bytes per call", unit: "B", tolerance: 0.01, compare: "ratio" },
  {
    id: "databaseQueriesPerCall",
    label: "database queries per call",
    unit: "",
    tolerance: 0.02,
    compare: "ratio",
    floor: 0.1,
  },
  { id: "cacheMissRatio", label: "cache miss ratio", unit: "", tolerance: 0.01, compare: "points" },
];
