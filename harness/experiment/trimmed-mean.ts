// The 20 % trimmed mean with Yuen's standard error: ratios of short slices are heavy-tailed, and the mean of such is noisy.
// Trims by count from both ends, never by value; below five values nothing is trimmed and it is the ordinary mean.

export interface Located {
  readonly mean: number;
  /** Standard error; 0 for a single value, whose spread is unknown. */
  readonly standardError: number;
  readonly count: number;
}

/** `trim` is the share cut from each end, 0 <= trim < 0.5. Throws RangeError on no values. */
export function trimmedMean(values: readonly number[], trim = 0.2): Located {
  if (values.length === 0) throw new RangeError("a mean needs at least one value, got none");
  if (!(trim >= 0 && trim < 0.5)) throw new RangeError(`trim must lie in [0, 0.5), got ${trim}`);
  const sorted = [...values].sort((a, b) => a - b);
  const cut = Math.floor(trim * sorted.length);
  const kept = sorted.slice(cut, sorted.length - cut);
  const lowest = kept[0] ?? Number.NaN;
  const highest = kept.at(-1) ?? Number.NaN;
  const winsorized = sorted.map((value) => Math.min(Math.max(value, lowest), highest));
  const share = kept.length / sorted.length;
  return {
    mean: mean(kept),
    standardError: standardDeviation(winsorized) / (share * Math.sqrt(sorted.length)),
    count: values.length,
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (n - 1); 0 for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
