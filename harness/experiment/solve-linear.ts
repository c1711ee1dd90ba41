// A few linear equations, by elimination with the largest pivot first.

/** x with matrix · x = right. A pivot of 0 leaves its unknown 0: of many solutions one. */
export function solveLinear(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0]);
  const size = rows.length;
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++)
      if (Math.abs(at(i, column)) > Math.abs(at(pivot, column))) pivot = i;
    const [top, other] = [rows[column], rows[pivot]];
    if (top === undefined || other === undefined || other[column] === 0) continue;
    [rows[column], rows[pivot]] = [other, top];
    for (let i = column + 1; i < size; i++) {
      const factor = at(i, column) / at(column, column);
      rows[i] = (rows[i] ?? []).map((value, j) => value - factor * at(column, j));
    }
  }
  const solution: number[] = Array.from({ length: size }, () => 0);
  for (let i = size - 1; i >= 0; i--) {
    const known = solution.reduce((sum, x, j) => (j > i ? sum + at(i, j) * x : sum), 0);
    solution[i] = at(i, i) === 0 ? 0 : (at(i, size) - known) / at(i, i);
  }
  return solution;
}
