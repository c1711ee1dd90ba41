// The calibration that is kept with the code, for the reports of gates: how often such a gate is wrong.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What `make gate-calibrate PUBLISH=1` writes to docs/gate-calibration.json. */
export interface PublishedCalibration {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly minutes: number;
  readonly fingerprint: string;
  readonly seed: number;
  readonly live: readonly { readonly what: string; readonly expected: string; readonly outcome: string }[];
  readonly resampled: readonly {
    /** Label of the metric that was shifted; "none" for identical builds. */
    readonly shifted: string;
    readonly rates: {
      readonly fail: { readonly share: number; readonly low: number; readonly high: number };
    };
  }[];
}

export const CALIBRATION_FILE = "docs/gate-calibration.json";

/** Undefined where none was published. */
export async function readCalibration(root: string): Promise<PublishedCalibration | undefined> {
  const text = await readFile(join(root, CALIBRATION_FILE), "utf8").catch(() => undefined);
  // Written by the calibration itself and kept under version control.
  return text === undefined ? undefined : (JSON.parse(text) as PublishedCalibration);
}

/** In words; `fingerprint` is of the gate that is reported. */
export function calibrationInWords(
  calibration: PublishedCalibration | undefined,
  fingerprint: string,
): string {
  if (calibration === undefined) return "none was published: make gate-calibrate PUBLISH=1";
  const { startedAt, minutes, resampled } = calibration;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const rates = resampled.map(({ shifted, rates: { fail } }) =>
    shifted === "none"
      ? `false alarms ${percent(fail.share)} (at most ${percent(fail.high)})`
      : `power at 5 % of ${shifted} ${percent(fail.share)}`,
  );
  const where = calibration.fingerprint === fingerprint ? "on such a machine" : "on another machine";
  return `${where}, ${startedAt.slice(0, 10)}, ${minutes} minutes: ${rates.join("; ")} (docs/gate-calibration.md)`;
}
