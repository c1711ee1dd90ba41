// What can be sold of one product, as one counter: it goes up and down, never below zero, and what it says is what it is.

import type { Operation } from "./linearizable.ts";
import { linearizable, type Model } from "./linearizable.ts";
import type { Verdict } from "./verdict.ts";

/** By how many units what is available changes; 0 only looks. */
export interface StockChange {
  readonly what: "read" | "receive" | "adjust" | "reserve";
  readonly units: bigint;
}

/** `output`: what was available right after it, where the answer told that. */
export type StockOperation = Operation<StockChange, bigint>;

const CLAIM =
  "each reading and change of a stock counter takes effect once, at one moment between its call and its answer, and none takes what is not there";

export function stockIsLinearizable(operations: readonly StockOperation[]): Verdict {
  // Who only looked and got no answer has told nothing.
  const telling = operations.filter(({ input, outcome }) => input.what !== "read" || outcome === "ok");
  return linearizable(CLAIM, telling, stockCounter);
}

export const stockCounter: Model<bigint, StockChange, bigint> = {
  initial: () => 0n,
  step(state, { input: { units }, outcome, output }) {
    const after = state + units;
    // Nothing is refused but what would take more than there is.
    if (outcome === "fail") return after < 0n ? state : undefined;
    if (after < 0n) return undefined;
    return output === undefined || output === after ? after : undefined;
  },
  nameOf: String,
  describe: ({ what, units }) => (units === 0n ? what : `${what} ${units}`),
};
