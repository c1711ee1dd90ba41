// What `make chaos` is asked for, read from its environment and checked before anything is started.

import { SHOP_FAULTS } from "./chaos/shop-faults.ts";
import type { KillTarget } from "./chaos/shop-under-kill.ts";
import { parseDuration } from "./k6/duration.ts";

/** So many kills, or faults for so long. */
export type ChaosSettings = KillSettings | FaultSettings;

export interface KillSettings {
  readonly kind: "kills";
  readonly target: KillTarget;
  readonly kills: number;
  readonly seed: number;
}

export interface FaultSettings {
  readonly kind: "faults";
  /** Each once. */
  readonly faults: readonly string[];
  readonly durationMs: number;
  readonly seed: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_KILLS = 20;
const DEFAULT_TIME = "1m";
/** There is room for a first fault, whatever the seed. */
const SHORTEST_MS = 3_000;

/** TIME or FAULTS asks for faults, else it is kills. Throws an Error that names the variable, its value and its rule. */
export function readChaosSettings(environment: Environment): ChaosSettings {
  const { TIME, FAULTS, KILLS, TARGET, SEED = "1" } = environment;
  const seed = whole("SEED", SEED, 0);
  if (!TIME && !FAULTS) return killSettings(environment, seed);
  for (const [name, value] of [
    ["KILLS", KILLS],
    ["TARGET", TARGET],
  ]) {
    if (value) throw new Error(`${name}=${value}: is for kills alone, and TIME and FAULTS ask for faults`);
  }
  return { kind: "faults", faults: faultsIn(FAULTS), durationMs: durationIn(TIME || DEFAULT_TIME), seed };
}

function killSettings({ TARGET, KILLS }: Environment, seed: number): KillSettings {
  const target = TARGET || "shop";
  if (target !== "shop" && target !== "postgres") {
    throw new Error(`TARGET=${target}: must be shop or postgres`);
  }
  return { kind: "kills", target, kills: whole("KILLS", KILLS || String(DEFAULT_KILLS), 1), seed };
}

/** Default, and what "all" means: each of them. */
function faultsIn(given: string | undefined): readonly string[] {
  if (!given || given === "all") return SHOP_FAULTS;
  const names = given.split(",").map((name) => name.trim());
  for (const [i, name] of names.entries()) {
    if (!SHOP_FAULTS.includes(name)) {
      throw new Error(`FAULTS=${given}: ${JSON.stringify(name)} is none of ${SHOP_FAULTS.join(", ")}`);
    }
    if (names.indexOf(name) !== i) throw new Error(`FAULTS=${given}: ${name} must be named once`);
  }
  return names;
}

function durationIn(given: string): number {
  const ms = parseDuration(given);
  if (ms === undefined || !/[a-z]$/.test(given)) {
    throw new Error(`TIME=${given}: must be a time with its unit, such as 90s or 10m`);
  }
  if (ms < SHORTEST_MS) throw new Error(`TIME=${given}: must be at least ${SHORTEST_MS / 1_000} s`);
  return Math.round(ms);
}

function whole(name: string, value: string, least: number): number {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isSafeInteger(parsed) || parsed < least) {
    throw new Error(`${name}=${value}: must be a whole number from ${least}`);
  }
  return parsed;
}
