// What `make replay` is asked for, read from its environment and checked before anything is started.

import { statSync } from "node:fs";

export interface ReplaySettings {
  /** Folder with the days of retail data. */
  readonly dataFolder: string;
  /** How many times faster than the trace; undefined is as fast as it goes. */
  readonly speed: number | undefined;
}

/** Throws an Error that names the variable, its value and its rule. */
export function readReplaySettings(
  environment: Readonly<Record<string, string | undefined>>,
): ReplaySettings {
  const { DATA = "", SPEED = "" } = environment;
  if (DATA === "") throw new Error("DATA is not set: make replay DATA=<folder of retail CSV days>");
  if (statSync(DATA, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`DATA=${DATA}: there is no such folder`);
  }
  if (SPEED === "") return { dataFolder: DATA, speed: undefined };
  const speed = Number(SPEED);
  if (!(speed > 0 && Number.isFinite(speed))) throw new Error(`SPEED=${SPEED}: must be a number above 0`);
  return { dataFolder: DATA, speed };
}
