// What a run that ends in verdicts leaves for people: a file in reports/<kind>/ that the history lists and makes a page of. `writeVerdicts` writes one.

import type { EnvironmentRecord } from "#harness/report/report-record.ts";

/** Runs whose page is made of their verdicts. The gate and the reports make their own. */
export type VerdictKind = "scenarios" | "chaos" | "load";

/**
 * The shape of reports/<kind>/<name>.json. Only `startedAt`, `command` and the verdicts are needed; what else is there is shown. For example:
 *
 *     { "startedAt": "2026-11-24T09:15:00.000Z", "elapsedSeconds": 61, "command": "make chaos SEED=3", "seed": 3,
 *       "commit": "1a2b3c4…", "dirty": false, "summary": ["20 kills of the shop.", "From kill to answer: median 900 ms."],
 *       "verdicts": [{ "claim": "stock adds up", "outcome": "pass", "checked": 812, "evidence": [] }] }
 */
export interface VerdictRecord {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly elapsedSeconds?: number;
  /** Repeats the run, given the same commit. */
  readonly command: string;
  readonly seed?: number | null;
  /** Empty when unknown. */
  readonly commit?: string;
  /** Files differed from the commit. */
  readonly dirty?: boolean;
  /** What was done and what came out, a sentence each. */
  readonly summary?: readonly string[];
  /** Whatever is not "pass" or "fail", in small or capital letters, is not known. The run fails with one, and passes only with all. */
  readonly verdicts: readonly VerdictLine[];
  /** Of a run that measured on this machine; its numbers compare only with those of the same. */
  readonly environment?: ComparableEnvironment;
  readonly measured?: readonly MeasuredLine[];
}

export interface VerdictLine {
  /** What must hold, in one sentence. */
  readonly claim: string;
  readonly outcome: "pass" | "fail" | "unknown";
  /** How many things were looked at. */
  readonly checked?: number;
  /** What contradicts the claim, why it is not known, or what was seen. */
  readonly evidence?: readonly string[];
}

export type ComparableEnvironment = Pick<
  EnvironmentRecord,
  "machine" | "node" | "v8" | "nodeFlags" | "pinning"
>;

/** A number that is followed from run to run. */
export interface MeasuredLine {
  /** Such as "load: browse". */
  readonly workload: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Of what, such as "all calls". */
  readonly subject: string;
  readonly value: number;
}
