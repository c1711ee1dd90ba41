// What the scenarios came to: one row a file, which is one claim.

export type Verdict = "PASS" | "FAIL" | "SKIP";

export interface ScenarioResult {
  /** The folder below scenarios/: contract, property, integration, chaos, performance. */
  readonly suite: string;
  /** Path of the file. */
  readonly scenario: string;
  readonly claim: string;
  readonly verdict: Verdict;
  /** Cases that passed, failed and were skipped. */
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** First lines of what failed, or why it was skipped. */
  readonly notes: readonly string[];
}

export interface ScenarioRun {
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  /** Empty when unknown. */
  readonly commit: string;
  /** Files differed from the commit. */
  readonly dirty: boolean;
  readonly seed: number;
  readonly command: string;
  /** What they ran on, and what could not be run on. */
  readonly notes?: readonly string[];
  readonly results: readonly ScenarioResult[];
}

/** "// Claim: ..." at the top of a scenario, over as many comment lines as it takes; undefined when there is none. */
export function claimOf(source: string): string | undefined {
  const match = /^\/\/ Claim: ((?:.*\n)(?:\/\/ .*\n)*)/.exec(source);
  const text = match?.[1]?.replaceAll("\n// ", " ").trim();
  return text?.replace(/\.$/, "");
}

const WIDTHS = { suite: 12, verdict: 7, cases: 7 } as const;

export function tableOf({ results, seed, notes: on = [] }: ScenarioRun): string {
  const rows = results.map(({ suite, verdict, passed, failed, seconds, claim, notes }) =>
    [
      `${suite.padEnd(WIDTHS.suite)}${verdict.padEnd(WIDTHS.verdict)}${`${passed}/${passed + failed}`.padStart(WIDTHS.cases)}${seconds.toFixed(1).padStart(8)} s  ${claim}`,
      ...notes.map((note) => `${" ".repeat(WIDTHS.suite)}  ${note}`),
    ].join("\n"),
  );
  const head = `${"suite".padEnd(WIDTHS.suite)}${"verdict".padEnd(WIDTHS.verdict)}${"cases".padStart(WIDTHS.cases)}${"time".padStart(8)}    claim`;
  const failed = results.filter(({ verdict }) => verdict === "FAIL").length;
  const closing =
    failed === 0
      ? `every claim holds (seed ${seed})`
      : `${failed} of ${results.length} claims do not hold; the same again: make scenarios SEED=${seed}`;
  return [head, ...rows, "", ...on, closing].join("\n");
}
