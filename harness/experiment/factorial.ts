// A full 2^k factorial analysed on ln metrics: effects multiply, and an interaction is the departure from that.
// Cells are numbered by bit mask: bit i is set where factor i is on. Knows no statistics: one set of cells in, contrasts out.

/** Every non-empty set of `factors`, as a bit mask, mains first. */
export function contrastMasks(factors: number): number[] {
  return Array.from({ length: 2 ** factors - 1 }, (_, i) => i + 1).sort(
    (x, y) => order(x) - order(y) || x - y,
  );
}

/**
 * The contrast of the factors in `mask`: for one factor the mean difference on - off over the other factors' levels;
 * for several the difference of differences, averaged over the rest. `cells[c]` is the ln metric of cell c.
 */
export function contrast(cells: readonly number[], mask: number): number {
  const factors = Math.log2(cells.length);
  if (!Number.isInteger(factors) || factors < 1) {
    throw new RangeError(`a full factorial has 2^k cells, got ${cells.length}`);
  }
  if (!Number.isInteger(mask) || mask < 1 || mask >= cells.length) {
    throw new RangeError(`mask must name factors of ${cells.length} cells, got ${mask}`);
  }
  const sum = cells.reduce((total, value, cell) => total + sign(cell, mask) * value, 0);
  return sum / 2 ** (factors - order(mask));
}

function sign(cell: number, mask: number): number {
  return (order(mask) - order(cell & mask)) % 2 === 0 ? 1 : -1;
}

/** How many factors a mask names. */
function order(mask: number): number {
  let count = 0;
  for (let rest = mask; rest > 0; rest &= rest - 1) count++;
  return count;
}
