// What `make report` is asked for, read from its environment and checked before anything is started.

import { statSync } from "node:fs";

export interface ReportSettings {
  /** Folder with the days of retail data; undefined for the synthetic shop. */
  readonly dataFolder: string | undefined;
  /** With the whole ablation of a gateway with replicas, its saturation and scalability; else with a small part of it. */
  readonly full: boolean;
  readonly quick: boolean;
  readonly seed: number;
  /** Overrides what fits the time. */
  readonly restarts: number | undefined;
}

/** Throws an Error that names the variable, its value and its rule. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ReportSettings {
  const { DATA, FULL, QUICK, SEED, RESTARTS } = environment;
  return {
    dataFolder: DATA ? folder(DATA) : undefined,
    full: flag("FULL", FULL),
    quick: flag("QUICK", QUICK),
    seed: SEED ? whole("SEED", SEED) : 1,
    restarts: RESTARTS ? whole("RESTARTS", RESTARTS) : undefined,
  };
}

/** The command that repeats a run with these settings. */
export function commandOf({ dataFolder, full, quick, seed, restarts }: ReportSettings): string {
  const parts = [
    "make report",
    ...(dataFolder === undefined ? [] : [`DATA=${dataFolder}`]),
    ...(full ? ["FULL=1"] : []),
    ...(quick ? ["QUICK=1"] : []),
    `SEED=${seed}`,
    ...(restarts === undefined ? [] : [`RESTARTS=${restarts}`]),
  ];
  return parts.join(" ");
}

function folder(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) throw new Error(`DATA=${path}: there is no such folder`);
  return path;
}

function flag(name: string, value = ""): boolean {
  if (value === "" || value === "0") return false;
  if (value === "1") return true;
  throw new Error(`${name}=${value}: must be 1 or 0`);
}

function whole(name: string, value: string): number {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isSafeInteger(parsed) || parsed < 0) {
    throw new Error(`${name}=${value}: must be a whole number from 0`);
  }
  return parsed;
}
