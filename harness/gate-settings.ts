// What `make gate` and `make gate-calibrate` are asked for, read from the environment and checked before anything is started.

import { parseBurden } from "./gate/inject/parse-burden.ts";
import type { Planted } from "./gate/planted.ts";
import { readSettings } from "./report-settings.ts";

export interface GateSettings {
  /** What head is compared with: anything git understands as a commit. */
  readonly base: string;
  readonly dataFolder: string | undefined;
  readonly seed: number;
  readonly minutes: number;
  /** A regression to plant into this checkout, to see the gate find it. */
  readonly planted: Planted;
  /** Whether a calibration is written to docs/, to be committed. */
  readonly publish: boolean;
}

/** Throws an Error that names the variable, its value and its rule. */
export function readGateSettings(
  environment: Readonly<Record<string, string | undefined>>,
  defaults: { readonly base?: string; readonly minutes: number } = { minutes: 10 },
): GateSettings {
  const { dataFolder, seed } = readSettings(environment);
  const base = environment.BASE || defaults.base;
  if (base === undefined)
    throw new Error("BASE is not set: name the commit to compare with, as in BASE=main");
  const minutes = Number(environment.MINUTES || defaults.minutes);
  if (!(minutes >= 1 && minutes <= 240)) {
    throw new Error(`MINUTES=${environment.MINUTES}: must be a number from 1 to 240`);
  }
  const planted = parseBurden(environment.PLANT ?? "", "PLANT");
  const { PUBLISH = "0" } = environment;
  if (PUBLISH !== "0" && PUBLISH !== "1") throw new Error(`PUBLISH=${PUBLISH}: must be 0 or 1`);
  return { base, dataFolder, seed, minutes, planted, publish: PUBLISH === "1" };
}
