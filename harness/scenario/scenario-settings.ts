// What `make scenarios` is asked for, read from its environment and checked before anything is started.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface ScenarioSettings {
  /** Folder below scenarios/, or a file; undefined: all. */
  readonly suite: string | undefined;
  readonly seed: number;
  /** How many times as much as in the tests each random claim tries; undefined: for as long as `timeMs`. */
  readonly effort: number | undefined;
  /** How long each random claim goes on at most; undefined: until its effort is done. */
  readonly timeMs: number | undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `folder` holds the suites. Throws an Error that names the variable, its value and its rule. */
export function readScenarioSettings(
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
  newSeed: () => number,
): ScenarioSettings {
  const { SUITE, SEED, EFFORT, TIME } = environment;
  if (SUITE && !existsSync(join(folder, SUITE))) {
    const suites = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    throw new Error(`SUITE=${SUITE}: must be a file or one of ${suites.map(({ name }) => name).join(", ")}`);
  }
  if (SEED && !/^\d+$/.test(SEED)) throw new Error(`SEED=${SEED}: must be a whole number from 0`);
  if (EFFORT && !/^[1-9]\d*$/.test(EFFORT))
    throw new Error(`EFFORT=${EFFORT}: must be a whole number from 1`);
  const [, count, unit = ""] = /^([1-9]\d*)([smh])$/.exec(TIME ?? "") ?? [];
  if (TIME && count === undefined) throw new Error(`TIME=${TIME}: must be a time such as 30s, 5m or 1h`);
  const timeMs = TIME ? Number(count) * (UNIT_MS[unit] ?? 0) : undefined;
  return {
    suite: SUITE || undefined,
    seed: SEED ? Number(SEED) : newSeed(),
    effort: EFFORT ? Number(EFFORT) : timeMs === undefined ? 1 : undefined,
    timeMs,
  };
}

/** What does the same again, by the same variables. */
export function commandOf({ suite, seed, effort, timeMs }: ScenarioSettings): string {
  return [
    "make scenarios",
    ...(suite === undefined ? [] : [`SUITE=${suite}`]),
    `SEED=${seed}`,
    ...(effort === undefined || effort === 1 ? [] : [`EFFORT=${effort}`]),
    ...(timeMs === undefined ? [] : [`TIME=${timeMs / 1_000}s`]),
  ].join(" ");
}
