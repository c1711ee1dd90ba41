// The order of the links, once, with the reason for each place. Outermost first.
import type { Link } from "#impl/runtime/handler.ts";

/** Every link by the name under which configuration can switch it off. */
export interface ChainLinks {
  readonly trace: readonly Link[];
  readonly metrics: readonly Link[];
  readonly log: readonly Link[];
  readonly overload: readonly Link[];
  readonly deadline: readonly Link[];
  readonly compression: readonly Link[];
  readonly guessing: readonly Link[];
  readonly auth: readonly Link[];
  readonly rate: readonly Link[];
  readonly cache: readonly Link[];
  readonly validation: readonly Link[];
}

export type LinkName = keyof ChainLinks;

export const CHAIN_ORDER: readonly LinkName[] = [
  // First, so that every other link runs inside the span and can name the trace.
  "trace",
  // Before anything that can refuse, so that refused calls are counted and logged too.
  "metrics",
  "log",
  // Before anything that costs: under overload a refusal must be cheaper than the call.
  "overload",
  // Before the first link that may wait.
  "deadline",
  // Outside the cache, which keeps one identity copy; what the cache serves again is compressed once.
  "compression",
  // Before credentials are verified, which is what it saves.
  "guessing",
  // Before the cache: a response is only for those who may call.
  "auth",
  // After it, so that the caller is known, and before anything is looked up or decoded for the handler.
  "rate",
  // Before validation: a request whose bytes were answered before was valid then.
  "cache",
  // Next to the handler, which may trust what it gets.
  "validation",
];

/** The links that are on, in order. Throws when `off` names an unknown one. */
export function chain(links: ChainLinks, off: ReadonlySet<string>): Link[] {
  for (const name of off) {
    if (!CHAIN_ORDER.some((known) => known === name)) {
      throw new Error(`"${name}" is not a middleware; the names are ${CHAIN_ORDER.join(", ")}`);
    }
  }
  return CHAIN_ORDER.filter((name) => !off.has(name)).flatMap((name) => links[name]);
}
