// Holm's step-down: which of many p-values may be called seen while the chance of even one false call stays below `alpha`.

/** True where the hypothesis is rejected, in the order given. */
export function holmRejections(pValues: readonly number[], alpha = 0.05): boolean[] {
  const rejected = pValues.map(() => false);
  const byP = pValues.map((p, index) => ({ p, index })).sort((x, y) => x.p - y.p);
  for (const [rank, { p, index }] of byP.entries()) {
    if (p > alpha / (pValues.length - rank)) break;
    rejected[index] = true;
  }
  return rejected;
}
