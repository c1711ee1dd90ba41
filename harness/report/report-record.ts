// The record of one run: everything that the Markdown and the HTML say is in it or follows from it, and so are the raw
// slices, so that anyone can compute the estimates again. `report.schema.json` says the same to machines; a change that
// breaks a reader raises `schemaVersion`.

import type { FactorId } from "#harness/experiment/arms.ts";
import type { Machine } from "#harness/experiment/machine.ts";
import type { MetricId } from "#harness/experiment/metrics.ts";
import type { LinkId, SliceRecord, WorkloadId } from "#harness/experiment/slice-record.ts";
import type { TimerJitter } from "#harness/experiment/timer-jitter.ts";
import type { ClusterRecord } from "./cluster-record.ts";
import type { ProfileRecord } from "./profile-record.ts";

export const schemaVersion = 1;

export interface ReportRecord {
  readonly schemaVersion: typeof schemaVersion;
  readonly run: RunRecord;
  readonly environment: EnvironmentRecord;
  readonly data: DataRecord;
  readonly design: DesignRecord;
  readonly effects: readonly EffectRecord[];
  readonly levels: readonly LevelRecord[];
  readonly distributions: readonly DistributionRecord[];
  readonly generator: GeneratorRecord;
  readonly restarts: readonly RestartRecord[];
  readonly slices: readonly SliceRecord[];
  /** The experiments with a gateway and replicas; absent where they were not run. */
  readonly cluster?: ClusterRecord;
  /** Of a server under load; absent where none was taken, as in older records. */
  readonly profile?: ProfileRecord;
  /** What was checked on the same commit and stood beside the reports when this one was written, the newest of each kind. */
  readonly checks?: readonly ChecksRecord[];
  /** What a reader must know before believing the numbers. */
  readonly warnings: readonly string[];
}

export interface RunRecord {
  /** Name of the run's folder. */
  readonly id: string;
  readonly quick: boolean;
  readonly seed: number;
  /** Reproduces the run, given the same commit and data. */
  readonly command: string;
  readonly commit: string;
  /** Files differed from the commit. */
  readonly dirty: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedSeconds: number;
}

/** A run of scenarios, of chaos or of load scripts, by its verdicts. */
export interface ChecksRecord {
  readonly kind: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly command: string;
  /** Files differed from the commit. */
  readonly dirty: boolean;
  readonly verdicts: readonly {
    readonly claim: string;
    readonly outcome: "pass" | "fail" | "unknown";
  }[];
}

export interface EnvironmentRecord {
  readonly machine: Machine;
  /** Of the server's process. */
  readonly node: string;
  readonly v8: string;
  readonly nodeFlags: readonly string[];
  /** SHA-256 of package-lock.json, hexadecimal; null without the file. */
  readonly lockHash: string | null;
  readonly pinning: string;
  readonly loadBefore: number;
  readonly loadAfter: number;
  /** Share of the run's time that the hypervisor gave to others; null where unknown. */
  readonly stealShare: number | null;
  /** Share of the run's time in which something waited for a CPU. */
  readonly waitedShare: number | null;
  readonly timerJitter: TimerJitter;
}

export interface DataRecord {
  /** In words: where the shop and its traffic come from. */
  readonly source: string;
  readonly products: number;
  readonly customers: number;
  /** Distinct requests and their skew, in words, one for each workload. */
  readonly workloads: readonly { readonly workload: WorkloadId; readonly description: string }[];
  /** Every row of the source that breaks a rule, as "file:line (value)". */
  readonly rejected: readonly {
    readonly reason: string;
    readonly count: number;
    readonly rows: readonly string[];
  }[];
  /** Rows that the system refused. */
  readonly importErrors: readonly { readonly reason: string; readonly count: number }[];
}

export interface DesignRecord {
  readonly arms: readonly { readonly id: string; readonly label: string; readonly middlewareOff: string }[];
  /** Settings of the server beside its defaults, the same for every arm. */
  readonly serverSettings: Readonly<Record<string, string>>;
  readonly restartsPlanned: number;
  readonly rounds: number;
  /** The same over the shaped link. */
  readonly shapedRounds: number;
  readonly confidence: number;
  readonly throughputSliceMs: number;
  readonly latencySliceMs: number;
  readonly shapedSliceMs: number;
  readonly warmUpMs: number;
  readonly plannedSeconds: number;
  readonly link: { readonly delayMs: number; readonly bitsPerSecond: number };
  readonly scenarios: readonly ScenarioDesign[];
}

export interface ScenarioDesign {
  readonly workload: WorkloadId;
  readonly link: LinkId;
  /** Calls kept in flight in the closed loop. */
  readonly concurrency: number;
  /** Calls a second of the open loop, the same for every arm. */
  readonly openRate: number;
  /** Of the slowest arm, from which the rate follows. */
  readonly slowestCapacity: number;
}

/**
 * `negligible`: the interval shows that there is less than 1 % either way; `none seen`: it holds 1, and larger effects too.
 */
export type Verdict = "better" | "worse" | "negligible" | "none seen" | "unknown";

export interface EffectRecord {
  readonly workload: WorkloadId;
  readonly link: LinkId;
  readonly metric: MetricId;
  readonly factor: FactorId | "interaction";
  readonly given: { readonly factor: FactorId; readonly on: boolean } | null;
  /** With over without; for the interaction the ratio of ratios. Null where too few restarts were valid. */
  readonly ratio: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p: number | null;
  readonly standardErrorLn: number | null;
  readonly errorFrom: "between restarts" | "within restarts" | null;
  readonly sliceDeviationLn: number | null;
  /** Smallest relative change found with 95 % probability: 0.05 is 5 %. */
  readonly detectable: number | null;
  readonly restarts: number;
  readonly slices: number;
  readonly verdict: Verdict;
  readonly afterCorrection: boolean;
}

export interface LevelRecord {
  readonly workload: WorkloadId;
  readonly link: LinkId;
  readonly metric: MetricId;
  readonly arm: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Latency from the intended time, over all restarts: for its shape; arms are compared by the effects alone. */
export interface DistributionRecord {
  readonly workload: WorkloadId;
  readonly link: LinkId;
  readonly arm: string;
  readonly calls: number;
  readonly points: readonly { readonly percentile: number; readonly ms: number }[];
}

export interface GeneratorRecord {
  /** CPU of one call in the generator, by our own client and by grpc-js; null where not measured. */
  readonly wireMicrosPerCall: number | null;
  readonly grpcJsMicrosPerCall: number | null;
  readonly medianUtilization: number;
  readonly maxUtilization: number;
  readonly utilizationLimit: number;
  readonly invalidSlices: number;
}

export interface RestartRecord {
  readonly restart: number;
  /** Arms in the order they were started. */
  readonly order: readonly string[];
  readonly seconds: number;
  /** Turns of a fixed loop per microsecond, before and after. */
  readonly canaryBefore: number;
  readonly canaryAfter: number;
  readonly arms: readonly {
    readonly arm: string;
    readonly startMs: number;
    readonly warmUpCalls: number;
    /** Whether CPU per call had settled when warming ended. */
    readonly steady: boolean;
  }[];
}
