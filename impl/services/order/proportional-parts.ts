// An amount in whole units divided by weights, so that the parts add up to it exactly (the method of largest remainders). No part
// is further than one unit from its exact share, and none is beyond zero on the other side.

/**
 * As many parts as weights; a negative amount is divided as its opposite. Of equal remainders the first is served first. Weights are
 * not negative; when all are zero the amount is divided evenly. No weights: no parts.
 */
export function proportionalParts(amount: bigint, weights: readonly bigint[]): bigint[] {
  if (amount < 0n) return proportionalParts(-amount, weights).map((part) => -part);
  const sum = weights.reduce((total, weight) => total + weight, 0n);
  if (sum === 0n && weights.length > 0)
    return proportionalParts(
      amount,
      weights.map(() => 1n),
    );
  const parts = weights.map((weight) => (amount * weight) / sum);
  const left = amount - parts.reduce((total, part) => total + part, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (amount * weight) % sum }))
    .sort((one, other) => (one.remainder < other.remainder ? 1 : one.remainder > other.remainder ? -1 : 0));
  for (const { index } of byRemainder.slice(0, Number(left))) parts[index] = (parts[index] ?? 0n) + 1n;
  return parts;
}

/**
 * The part of `amount` that falls on `quantity` units of a line of `of` units when `before` were taken already. Whatever the partition,
 * the parts of all units add up to `amount`.
 */
export function partOfUnits(amount: bigint, of: bigint, before: bigint, quantity: bigint): bigint {
  return (amount * (before + quantity)) / of - (amount * before) / of;
}
