// The `options` of a script, checked as strictly as k6 checks scenarios: an unknown key is an error, so that a misspelt one is not a
// run with other settings. Beside scenarios, thresholds and summaryTrendStats the shortcuts for a single scenario are known.

import { parseDuration } from "./duration.ts";
import { invalidConfig } from "./exit-codes.ts";
import { isTrendStat } from "./sinks.ts";
import { parseThresholds, type ThresholdGroup } from "./thresholds.ts";

export interface Stage {
  readonly durationMs: number;
  /** Virtual users, or iterations in a time unit. */
  readonly target: number;
}

export type Executor =
  | { readonly kind: "constant-vus"; readonly vus: number; readonly durationMs: number }
  | {
      readonly kind: "ramping-vus";
      readonly startVUs: number;
      readonly stages: readonly Stage[];
      readonly gracefulRampDownMs: number;
    }
  | {
      readonly kind: "per-vu-iterations" | "shared-iterations";
      readonly vus: number;
      readonly iterations: number;
      readonly maxDurationMs: number;
    }
  | {
      readonly kind: "constant-arrival-rate" | "ramping-arrival-rate";
      /** Iterations in a time unit at the start. */
      readonly startRate: number;
      readonly stages: readonly Stage[];
      readonly timeUnitMs: number;
      readonly preAllocatedVUs: number;
      readonly maxVUs: number;
    };

export interface Scenario {
  readonly name: string;
  readonly executor: Executor;
  readonly startTimeMs: number;
  readonly gracefulStopMs: number;
  /** The exported function; default "default". */
  readonly exec: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly thresholds: readonly ThresholdGroup[];
  readonly summaryTrendStats: readonly string[];
  readonly setupTimeoutMs: number;
  readonly teardownTimeoutMs: number;
  /** Of every sample. */
  readonly tags: Readonly<Record<string, string>>;
}

const DEFAULT_TREND_STATS: readonly string[] = ["avg", "min", "med", "max", "p(90)", "p(95)"];
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_GRACE_MS = 30_000;
const DEFAULT_MAX_DURATION_MS = 600_000;

/** Throws RunFailure naming the key, the value and the rule. */
export function parseOptions(given: unknown): Options {
  const keys = new Keys("options", given ?? {});
  const options = {
    thresholds: parseThresholds(keys.take("thresholds")),
    summaryTrendStats: trendStats(keys.take("summaryTrendStats")),
    setupTimeoutMs: keys.duration("setupTimeout", DEFAULT_TIMEOUT_MS),
    teardownTimeoutMs: keys.duration("teardownTimeout", DEFAULT_TIMEOUT_MS),
    tags: keys.texts("tags"),
    scenarios: scenariosOf(keys),
  };
  keys.done();
  return options;
}

function trendStats(given: unknown): readonly string[] {
  if (given === undefined) return DEFAULT_TREND_STATS;
  if (Array.isArray(given) && given.every((stat) => typeof stat === "string" && isTrendStat(stat)))
    return given;
  throw invalidConfig(
    `summaryTrendStats: ${JSON.stringify(given)} must list avg, min, med, max, count or p(N)`,
  );
}

function scenariosOf(keys: Keys): Scenario[] {
  const given = keys.take("scenarios");
  if (given === undefined) return [shortcut(keys)];
  if (typeof given !== "object" || given === null) throw invalidConfig("scenarios must be an object");
  const entries = Object.entries(given);
  if (entries.length === 0) throw invalidConfig("scenarios names none");
  return entries.map(([name, value]) => parseScenario(name, value));
}

/** What k6 makes of options without scenarios. */
function shortcut(keys: Keys): Scenario {
  const [vus, duration, iterations, stages] = ["vus", "duration", "iterations", "stages"].map((key) =>
    keys.take(key),
  );
  if (stages !== undefined)
    return parseScenario("default", { executor: "ramping-vus", stages, startVUs: vus });
  if (iterations === undefined && duration !== undefined) {
    return parseScenario("default", { executor: "constant-vus", vus, duration });
  }
  return parseScenario("default", { executor: "shared-iterations", vus, iterations, maxDuration: duration });
}

function parseScenario(name: string, value: unknown): Scenario {
  if (!/^[\w-]+$/.test(name)) throw invalidConfig(`"${name}" is not a name for a scenario`);
  const keys = new Keys(`scenario ${name}`, value);
  const scenario = {
    name,
    executor: executorOf(keys),
    startTimeMs: keys.duration("startTime", 0),
    gracefulStopMs: keys.duration("gracefulStop", DEFAULT_GRACE_MS),
    exec: keys.text("exec", "default"),
    env: keys.texts("env"),
    tags: keys.texts("tags"),
  };
  keys.done();
  return scenario;
}

function executorOf(keys: Keys): Executor {
  const kind = keys.text("executor", "");
  switch (kind) {
    case "constant-vus":
      return { kind, vus: keys.count("vus", 1, 1), durationMs: keys.duration("duration") };
    case "ramping-vus":
      return {
        kind,
        startVUs: keys.count("startVUs", 0, 1),
        stages: keys.stages(),
        gracefulRampDownMs: keys.duration("gracefulRampDown", DEFAULT_GRACE_MS),
      };
    case "per-vu-iterations":
    case "shared-iterations":
      return {
        kind,
        vus: keys.count("vus", 1, 1),
        iterations: keys.count("iterations", 1, 1),
        maxDurationMs: keys.duration("maxDuration", DEFAULT_MAX_DURATION_MS),
      };
    case "constant-arrival-rate":
    case "ramping-arrival-rate":
      return arrivalRate(kind, keys);
    default:
      throw invalidConfig(`${keys.where}: executor "${kind}" is not known`);
  }
}

function arrivalRate(kind: "constant-arrival-rate" | "ramping-arrival-rate", keys: Keys): Executor {
  const constant = kind === "constant-arrival-rate";
  const startRate = constant ? keys.count("rate", 1) : keys.count("startRate", 0, 0);
  const stages = constant ? [{ durationMs: keys.duration("duration"), target: startRate }] : keys.stages();
  const preAllocatedVUs = keys.count("preAllocatedVUs", 0);
  const maxVUs = keys.count("maxVUs", preAllocatedVUs, preAllocatedVUs);
  return { kind, startRate, stages, timeUnitMs: keys.duration("timeUnit", 1_000), preAllocatedVUs, maxVUs };
}

/** Takes the keys of an object one by one; `done` refuses what was not taken. */
class Keys {
  readonly where: string;
  readonly #left: Map<string, unknown>;

  constructor(where: string, given: unknown) {
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw invalidConfig(`${where} must be an object`);
    }
    this.where = where;
    this.#left = new Map(Object.entries(given));
  }

  take(key: string): unknown {
    const value = this.#left.get(key);
    this.#left.delete(key);
    return value;
  }

  /** `byDefault` undefined: required. */
  count(key: string, least: number, byDefault?: number): number {
    const value = this.take(key) ?? byDefault;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
    throw this.#bad(key, value, `must be a whole number from ${least}`);
  }

  duration(key: string, byDefault?: number): number {
    const value = this.take(key) ?? byDefault;
    const parsed = parseDuration(value);
    if (parsed !== undefined) return parsed;
    throw this.#bad(key, value, 'must be a duration such as "30s"');
  }

  text(key: string, byDefault: string): string {
    const value = this.take(key) ?? byDefault;
    if (typeof value === "string") return value;
    throw this.#bad(key, value, "must be a text");
  }

  texts(key: string): Record<string, string> {
    const value = this.take(key) ?? {};
    if (typeof value !== "object" || value === null)
      throw this.#bad(key, value, "must be an object of texts");
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
  }

  stages(): Stage[] {
    const value = this.take("stages");
    if (!Array.isArray(value) || value.length === 0)
      throw this.#bad("stages", value, "must be a list of stages");
    return value.map((stage, i) => {
      const keys = new Keys(`${this.where}, stage ${i + 1}`, stage);
      const parsed = { durationMs: keys.duration("duration"), target: keys.count("target", 0) };
      keys.done();
      return parsed;
    });
  }

  done(): void {
    const [unknown] = this.#left.keys();
    if (unknown !== undefined) throw invalidConfig(`${this.where}: unknown key "${unknown}"`);
  }

  #bad(key: string, value: unknown, rule: string) {
    return invalidConfig(`${this.where}: ${key} is ${JSON.stringify(value) ?? "missing"}; it ${rule}`);
  }
}
