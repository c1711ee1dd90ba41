// Draws indexes with given weights, each in proportion to its own: one number and a binary search a draw.

import type { SeededRandom } from "#harness/random/seeded-random.ts";

/** Throws RangeError when no weight is above 0 or one is not a finite number of 0 or more. */
export function weightedChoice(weights: readonly number[]): (random: SeededRandom) => number {
  const upTo = new Float64Array(weights.length);
  let total = 0;
  for (const [index, weight] of weights.entries()) {
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`weight ${index} must be a finite number of 0 or more, got ${weight}`);
    }
    total += weight;
    upTo[index] = total;
  }
  if (total === 0) throw new RangeError(`at least one of ${weights.length} weights must be above 0`);
  return (random) => firstAbove(upTo, random.next() * total);
}

/** Index of the first value above `target`; values ascend and the last is above it. */
function firstAbove(ascending: Float64Array, target: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}
