// How the provider behaves as a whole: how slow, how faulty, how late with its webhooks. Set at the start and changed while it runs; every
// random choice comes from the seed.
import { EFFECT_NAMES, type Effect } from "./effects.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface Behavior {
  /** Begins the sequence of all random choices. */
  readonly seed: number;
  /** How long a request takes, uniform. Default 0. */
  readonly latencyMs: Range;
  /** Share of the operations that suffer each effect. Default 0. */
  readonly effects: Readonly<Record<Effect, number>>;
  /** With this chance a request begins a burst, in which so many requests are answered with 503 and not done. Default none. */
  readonly bursts: { readonly rate: number; readonly length: number };
  /** How an answer is lost: the connection stays open and silent, or breaks. Default "hang". */
  readonly lostAnswer: "hang" | "reset";
  /** How late a late operation is done. Default 3 s. */
  readonly lateMs: number;
  /** How long a token works. Default 24 h. */
  readonly tokenLifetimeMs: number;
  /** How long an authorization holds. Default 7 days. */
  readonly authorizationLifetimeMs: number;
  readonly webhooks: {
    /** Where events are posted. Empty means nowhere, the default. */
    readonly url: string;
    /** How late an event is posted, uniform: so they overtake each other. Default 0. */
    readonly delayMs: Range;
    /** Share of the events that are posted a second time. Default 0. */
    readonly duplicateRate: number;
  };
}

export const DEFAULT_BEHAVIOR: Behavior = {
  seed: 1,
  latencyMs: { min: 0, max: 0 },
  effects: { answer_lost: 0, request_lost: 0, done_late: 0, error_before: 0, error_after: 0 },
  bursts: { rate: 0, length: 5 },
  lostAnswer: "hang",
  lateMs: 3_000,
  tokenLifetimeMs: 86_400_000,
  authorizationLifetimeMs: 7 * 86_400_000,
  webhooks: { url: "", delayMs: { min: 0, max: 0 }, duplicateRate: 0 },
};

export class InvalidBehavior extends Error {}

/** Some members of a Behavior, at any depth, as JSON has them. */
export type BehaviorPatch = { readonly [name: string]: unknown };

/** `current` with the members of the patch in place of its own. Throws InvalidBehavior, naming member, value and rule. */
export function changeBehavior(current: Behavior, patch: unknown): Behavior {
  const changed = asBehavior(merge(current, patch, ""));
  const effects = EFFECT_NAMES.reduce((sum, name) => sum + changed.effects[name], 0);
  if (effects > 1) throw new InvalidBehavior(`effects: their shares are ${effects} together, at most 1`);
  for (const [name, range] of [
    ["latencyMs", changed.latencyMs],
    ["webhooks.delayMs", changed.webhooks.delayMs],
  ] as const) {
    if (range.min > range.max) {
      throw new InvalidBehavior(`${name}: min ${range.min} must not be above max ${range.max}`);
    }
  }
  return changed;
}

function merge(current: unknown, patch: unknown, path: string): unknown {
  if (typeof current === "object" && current !== null) {
    if (typeof patch !== "object" || patch === null || Array.isArray(patch)) {
      throw new InvalidBehavior(`${path === "" ? "the behaviour" : path}: must be an object`);
    }
    const merged: Record<string, unknown> = { ...current };
    for (const [name, value] of Object.entries(patch)) {
      const at = path === "" ? name : `${path}.${name}`;
      if (!Object.hasOwn(merged, name)) throw new InvalidBehavior(`${at}: is not a setting`);
      merged[name] = merge(merged[name], value, at);
    }
    return merged;
  }
  const refused = (rule: string) => new InvalidBehavior(`${path}: ${JSON.stringify(patch)} must be ${rule}`);
  if (typeof patch !== typeof current) throw refused(`a ${typeof current}`);
  if (typeof patch === "number") {
    const isShare = path.startsWith("effects.") || /rate$/i.test(path);
    const least = path === "seed" ? Number.MIN_SAFE_INTEGER : 0;
    if (!(patch >= least && patch <= (isShare ? 1 : Number.MAX_SAFE_INTEGER))) {
      throw refused(isShare ? "from 0 to 1" : `a number of at least ${least}`);
    }
  }
  if (path === "lostAnswer" && patch !== "hang" && patch !== "reset") throw refused('"hang" or "reset"');
  if (path === "webhooks.url" && patch !== "" && !URL.canParse(String(patch))) throw refused("a URL");
  return patch;
}

/** The cage: a merge keeps names and types of what it began with. */
function asBehavior(merged: unknown): Behavior {
  return merged as Behavior;
}
