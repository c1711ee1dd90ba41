// What `make load` is asked for, read from its environment and checked before anything is started.

import { readdirSync } from "node:fs";
import { join } from "node:path";

export interface LoadSettings {
  /** Names of scripts, in the order in which they run. */
  readonly scripts: readonly string[];
  /** A system that runs already: host:port; undefined starts one. */
  readonly address: string | undefined;
  /** With `address`: the file that tells the scripts of its shop. */
  readonly shopFile: string | undefined;
  readonly engine: "k6" | "built-in" | undefined;
  readonly dataFolder: string | undefined;
  readonly seed: number;
}

/** Short ones, which together say whether a shop serves. Soak, spike and breakpoint are asked for by name. */
const BY_DEFAULT: readonly string[] = ["browse", "search", "checkout", "tracking", "chat", "mix"];

export const scriptFolder = join(import.meta.dirname, "../load");

/** Throws an Error that names the variable, its value and its rule. */
export function readLoadSettings(environment: Readonly<Record<string, string | undefined>>): LoadSettings {
  const { SCRIPT, ADDRESS, SHOP, ENGINE, DATA, SEED = "1" } = environment;
  if (ADDRESS && !SHOP) throw new Error(`ADDRESS=${ADDRESS}: needs SHOP, the file that tells of its shop`);
  if (ENGINE && ENGINE !== "k6" && ENGINE !== "built-in")
    throw new Error(`ENGINE=${ENGINE}: must be k6 or built-in`);
  if (!/^\d+$/.test(SEED)) throw new Error(`SEED=${SEED}: must be a whole number from 0`);
  return {
    scripts: SCRIPT ? SCRIPT.split(",").map(known) : BY_DEFAULT,
    address: ADDRESS || undefined,
    shopFile: SHOP || undefined,
    engine: ENGINE ? (ENGINE as "k6" | "built-in") : undefined,
    dataFolder: DATA || undefined,
    seed: Number(SEED),
  };
}

function known(given: string): string {
  const name = given
    .trim()
    .replace(/^load\//, "")
    .replace(/\.ts$/, "");
  const names = readdirSync(scriptFolder)
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => file.replace(/\.ts$/, ""));
  if (names.includes(name)) return name;
  throw new Error(`SCRIPT=${given}: must be some of ${names.join(", ")}`);
}

/** The command that repeats a run with these settings and variables of its scripts. */
export function commandOf(
  { scripts, address, shopFile, engine, dataFolder, seed }: LoadSettings,
  variables: Readonly<Record<string, string>>,
): string {
  const given: readonly (readonly [name: string, value: string | undefined])[] = [
    ["SCRIPT", scripts.join(",")],
    ["ENGINE", engine],
    ["ADDRESS", address],
    ["SHOP", shopFile],
    ["DATA", dataFolder],
    ["SEED", String(seed)],
    ...Object.entries(variables),
  ];
  return ["make load", ...given.flatMap(([name, value]) => (value ? [`${name}=${value}`] : []))].join(" ");
}
