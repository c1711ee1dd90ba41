// Zipf's law: the k-th most wanted of n things is wanted in proportion to 1 / k^s. Makes such weights, and says which s fits
// counted ones best, since a cache's hit ratio means nothing without the skew of the keys.

/** Weights of ranks 1 to n. Throws RangeError unless n is a whole number from 1 and s a number of 0 or more. */
export function zipfWeights(n: number, s: number): number[] {
  if (!(Number.isInteger(n) && n >= 1)) throw new RangeError(`n must be a whole number from 1, got ${n}`);
  if (!(s >= 0 && s <= 10)) throw new RangeError(`s must be 0 to 10, got ${s}`);
  return Array.from({ length: n }, (_, index) => (index + 1) ** -s);
}

/** The exponent of greatest likelihood for things counted so often, between 0 and 4. */
export function fitZipf(counts: readonly number[]): number {
  const ranked = counts.filter((count) => count > 0).sort((a, b) => b - a);
  const logs = ranked.map((_, index) => Math.log(index + 1));
  const total = ranked.reduce((sum, count) => sum + count, 0);
  const sumCountLog = ranked.reduce((sum, count, index) => sum + count * (logs[index] ?? 0), 0);
  const likelihood = (s: number) =>
    -s * sumCountLog - total * Math.log(logs.reduce((sum, log) => sum + Math.exp(-s * log), 0));
  let [low, high] = [0, 4];
  // The likelihood has one peak in s, so cutting thirds off finds it.
  for (let step = 0; step < 60; step++) {
    const third = (high - low) / 3;
    if (likelihood(low + third) < likelihood(high - third)) low += third;
    else high -= third;
  }
  return (low + high) / 2;
}

/** The part of all counts that the most wanted `share` of things have, 0 to 1. */
export function hottestShare(counts: readonly number[], share: number): number {
  const ranked = [...counts].sort((a, b) => b - a);
  const total = ranked.reduce((sum, count) => sum + count, 0);
  const hottest = ranked.slice(0, Math.ceil(ranked.length * share));
  return hottest.reduce((sum, count) => sum + count, 0) / total;
}
