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

const WIDTHS = { verdict: 7, cases: 7, time: 8, seed: 9 } as const;

/** The file below scenarios/, without its ending. */
function nameOf({ scenario }: ScenarioResult): string {
  return scenario.replace(/^scenarios\//, "").replace(/\.test\.ts$/, "");
}

/** Runs this one claim as it was run. */
function again({ scenario }: ScenarioResult, command: string): string {
  const [make = "", settings = ""] = command.split(" SEED=");
  return `${make.replace(/ SUITE=\S+/, "")} SUITE=${scenario.replace(/^scenarios\//, "")} SEED=${settings}`;
}

export function tableOf({ results, seed, command, notes: on = [] }: ScenarioRun): string {
  const width = Math.max("scenario".length, ...results.map((result) => nameOf(result).length)) + 2;
  const row = (name: string, verdict: string, cases: string, time: string, by: string, claim: string) =>
    [
      name.padEnd(width),
      verdict.padEnd(WIDTHS.verdict),
      cases.padStart(WIDTHS.cases),
      time.padStart(WIDTHS.time),
      by.padStart(WIDTHS.seed),
      `  ${claim}`,
    ].join("");
  const rows = results.flatMap((result) => {
    const { verdict, passed, failed, seconds, claim, notes } = result;
    const cases = `${passed}/${passed + failed}`;
    return [
      row(nameOf(result), verdict, cases, `${seconds.toFixed(1)} s`, String(seed), claim),
      ...notes.map((note) => `  ${note}`),
      ...(verdict === "FAIL" ? [`  again: ${again(result, command)}`] : []),
    ];
  });
  const failed = results.filter(({ verdict }) => verdict === "FAIL").length;
  const closing =
    failed === 0
      ? `every claim holds (seed ${seed})`
      : `${failed} of ${results.length} claims do not hold; the same again: ${command}`;
  return [row("scenario", "verdict", "cases", "time", "seed", "claim"), ...rows, "", ...on, closing].join(
    "\n",
  );
}
