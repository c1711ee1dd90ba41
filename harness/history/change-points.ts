// Where a series of runs changed its level. The best split of a series is found by looking at all of them, so it must be tested against the
// best split of the same values in random order: an ordinary test at the chosen place would find changes in one of eight series of noise.
// It works on ranks, so that one outlier is not a change.

import { seededRandom } from "#harness/random/seeded-random.ts";

export interface ChangePoint {
  /** The first value of the new level. */
  readonly index: number;
  /** Chance of a split at least as good in a series without order. */
  readonly p: number;
}

export interface ChangePointOptions {
  /** Chance of finding any change in a series that has none. Default 0.01. */
  readonly alpha?: number;
  /** Values a level must have. Default 3. */
  readonly shortest?: number;
  /** Orders drawn at random: p is never below 1 / (permutations + 1). Default 1999. */
  readonly permutations?: number;
  readonly seed?: number;
}

/** In order. Changes are found one in another: what a change divides is searched again, on both sides. */
export function changePoints(values: readonly number[], options: ChangePointOptions = {}): ChangePoint[] {
  const { alpha = 0.01, shortest = 3, permutations = 1999, seed = 1 } = options;
  const random = seededRandom(seed);
  const search = (from: number, to: number): ChangePoint[] => {
    if (to - from < 2 * shortest) return [];
    const ranks = centredRanks(values.slice(from, to));
    const best = bestSplit(ranks, shortest);
    let asGood = 1;
    for (let i = 0; i < permutations; i++) {
      if (bestSplit(random.shuffled(ranks), shortest).score >= best.score - 1e-9) asGood++;
    }
    const p = asGood / (permutations + 1);
    if (p > alpha) return [];
    const index = from + best.at;
    return [...search(from, index), { index, p }, ...search(index, to)];
  };
  return search(0, values.length);
}

/** Ranks less their mean; equal values share theirs. */
function centredRanks(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (values.length - 1) / 2;
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 - middle);
}

/** Of all splits the one whose sides differ most for their lengths. */
function bestSplit(ranks: readonly number[], shortest: number): { at: number; score: number } {
  const n = ranks.length;
  let [sum, at, score] = [0, shortest, -1];
  for (let k = 1; k <= n - shortest; k++) {
    sum += ranks[k - 1] ?? 0;
    const here = (sum * sum) / (k * (n - k));
    if (k >= shortest && here > score) [at, score] = [k, here];
  }
  return { at, score };
}
