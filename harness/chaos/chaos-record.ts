// What a run of `make chaos` came to: the record that the history of runs shows, and the same as a table for people.

import type { Verdict } from "#harness/check/verdict.ts";
import type { ChaosRun } from "./chaos-run.ts";

export interface ChaosRecord {
  readonly id: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The same again. */
  readonly command: string;
  readonly seed: number;
  /** Empty when unknown. */
  readonly commit: string;
  readonly dirty: boolean;
  readonly elapsedSeconds: number;
  readonly attempts: ChaosRun<unknown>["attempts"];
  readonly statuses: ChaosRun<unknown>["statuses"];
  readonly resumed: number;
  readonly verdicts: readonly Verdict[];
  readonly faults: readonly FaultRecord[];
  /** Faults that this machine cannot make, and why. */
  readonly skipped: readonly { readonly name: string; readonly skipped: string }[];
  /** Of the questions that a probe asked all the time, those that were answered; null where none asked. */
  readonly answeredShare: number | null;
}

/** All the times that one fault struck. */
export interface FaultRecord {
  readonly fault: string;
  readonly about: string;
  readonly times: number;
  /** From the beginning of its healing to the first call that succeeded; null where none did. */
  readonly recoveryMs: readonly (number | null)[];
}

export function faultRecords(
  struck: readonly { readonly fault: string; readonly about: string }[],
  recoveries: readonly { readonly fault: string; readonly ms: number | undefined }[],
): FaultRecord[] {
  return [...Map.groupBy(struck, ({ fault }) => fault)].map(([fault, times]) => ({
    fault,
    about: times[0]?.about ?? "",
    times: times.length,
    recoveryMs: recoveries.filter((each) => each.fault === fault).map(({ ms }) => ms ?? null),
  }));
}

const WIDTHS = { verdict: 9, checked: 8, fault: 24, times: 6, ms: 10 } as const;

export function chaosTable(record: ChaosRecord): string {
  const { attempts, statuses, resumed, verdicts, faults, answeredShare } = record;
  const { ok, fail, unknown } = attempts;
  const states = Object.entries(statuses).map(([status, count]) => `${status} ${count}`);
  return [
    `${"fault".padEnd(WIDTHS.fault)}${"times".padStart(WIDTHS.times)}${"median".padStart(WIDTHS.ms)}${"worst".padStart(WIDTHS.ms)}  from healing to the first answer`,
    ...faults.map(faultRow),
    ...record.skipped.map(({ name, skipped }) => `${name.padEnd(WIDTHS.fault)}skipped: ${skipped}`),
    "",
    `orders     ${ok} acknowledged, ${fail} refused, ${unknown} unknown to their sender`,
    `states     ${states.join(", ")}`,
    `streams    cut and resumed ${resumed} times`,
    ...(answeredShare === null
      ? []
      : [`answered   ${(100 * answeredShare).toFixed(1)} % of a probe's calls`]),
    "",
    `${"verdict".padEnd(WIDTHS.verdict)}${"checked".padStart(WIDTHS.checked)}  claim`,
    ...verdicts.flatMap(verdictRows),
    "",
    `the same again: ${record.command}`,
  ].join("\n");
}

function faultRow({ fault, about, times, recoveryMs }: FaultRecord): string {
  const sorted = recoveryMs.map((ms) => ms ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const [median, worst] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted.at(-1)];
  return `${fault.padEnd(WIDTHS.fault)}${String(times).padStart(WIDTHS.times)}${duration(median)}${duration(worst)}  ${about}`;
}

function duration(ms: number | undefined): string {
  const text = ms === undefined ? "-" : Number.isFinite(ms) ? `${ms.toFixed(0)} ms` : "never";
  return text.padStart(WIDTHS.ms);
}

function verdictRows({ claim, outcome, checked, evidence }: Verdict): string[] {
  const row = `${outcome.toUpperCase().padEnd(WIDTHS.verdict)}${String(checked).padStart(WIDTHS.checked)}  ${claim}`;
  const indent = " ".repeat(WIDTHS.verdict + WIDTHS.checked + 4);
  return [row, ...evidence.map((line) => `${indent}${line}`)];
}
