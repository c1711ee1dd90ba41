// What the history keeps of a run: enough to list it, to draw trends and to compare two. It is embedded in the page, so it is small.

export type RunKind = "report" | "scenarios" | "gate" | "chaos" | "load";
export type RunOutcome = "pass" | "fail" | "unknown" | "measured";

/** Value, and the ends of its interval; null where not known. */
export type Measured = readonly [value: number, low: number | null, high: number | null];

export interface RunEntry {
  readonly id: string;
  readonly kind: RunKind;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly command: string;
  readonly seed: number | null;
  /** Empty when unknown. */
  readonly commit: string;
  readonly dirty: boolean;
  readonly quick: boolean;
  /** Published, and kept. */
  readonly baseline: boolean;
  /** Of the machine and the software below ours; null when the run does not tell it. */
  readonly fingerprint: string | null;
  /** The machine in words. */
  readonly machine: string;
  /** The run's page or record, relative to the history's page. */
  readonly link: string;
  /** `measured`: it has numbers and no verdict. */
  readonly outcome: RunOutcome;
  readonly verdicts: readonly RunVerdict[];
  /** Absolute numbers by the key of their series. They belong to the fingerprint. */
  readonly levels: Readonly<Record<string, Measured>>;
  /** Ratios, with an optimization over without, by the key of their series. */
  readonly effects: Readonly<Record<string, Measured>>;
}

export interface RunVerdict {
  readonly claim: string;
  readonly outcome: "pass" | "fail" | "unknown";
}

/** One number followed from run to run. */
export interface SeriesName {
  readonly key: string;
  /** Such as "hot reads over loopback". */
  readonly workload: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** The arm of a level, or the optimization of an effect. */
  readonly subject: string;
}

/** What the page's script reads. */
export interface HistoryData {
  readonly runs: readonly RunEntry[];
  readonly levels: readonly SeriesName[];
  readonly effects: readonly SeriesName[];
}
