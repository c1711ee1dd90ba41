// What `make chaos` is asked for, read from its environment and checked before anything is started.

import type { KillTarget } from "./chaos/shop-under-kill.ts";

export interface ChaosSettings {
  readonly target: KillTarget;
  readonly kills: number;
  readonly seed: number;
}

const DEFAULT_KILLS = 20;

/** Throws an Error that names the variable, its value and its rule. */
export function readChaosSettings(environment: Readonly<Record<string, string | undefined>>): ChaosSettings {
  const { TARGET = "shop", KILLS = String(DEFAULT_KILLS), SEED = "1" } = environment;
  if (TARGET !== "shop" && TARGET !== "postgres") {
    throw new Error(`TARGET=${TARGET}: must be shop or postgres`);
  }
  return { target: TARGET, kills: whole("KILLS", KILLS, 1), seed: whole("SEED", SEED, 0) };
}

function whole(name: string, value: string, least: number): number {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isSafeInteger(parsed) || parsed < least) {
    throw new Error(`${name}=${value}: must be a whole number from ${least}`);
  }
  return parsed;
}
