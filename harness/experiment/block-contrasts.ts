// A full 2^k factorial in randomized blocks: each block has one fresh system for every cell, in random order. The unit of replication is
// the start of a system. What cells differ by beyond their block is the error, pooled over all cells: (blocks - 1)(cells - 1) degrees of freedom.
// It takes cells to vary alike in logarithms; numbers in, numbers out.

import { contrast, contrastMasks } from "./factorial.ts";
import { tQuantile, tUpperTail } from "./student-t.ts";
import { mean } from "./trimmed-mean.ts";

/** The contrast of the factors in `mask`, in natural logarithms: 0 is none. */
export interface BlockContrast {
  readonly mask: number;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
  /** Two-sided p-value of no effect. */
  readonly p: number;
  /** The smallest effect found with 95 % probability. */
  readonly detectable: number;
}

export interface BlockAnalysis {
  readonly blocks: number;
  readonly degrees: number;
  /** Standard deviation of one cell in one block. */
  readonly deviation: number;
  readonly contrasts: readonly BlockContrast[];
}

const power = 0.95;

/** `blocks[b][c]` is the ln metric of cell c. Undefined for fewer than two blocks, which leave no error to state. */
export function analyseBlocks(
  blocks: readonly (readonly number[])[],
  confidence: number,
): BlockAnalysis | undefined {
  const [first] = blocks;
  if (first === undefined || blocks.length < 2) return undefined;
  const cells = first.length;
  if (blocks.some((block) => block.length !== cells)) {
    throw new RangeError(`every block must have ${cells} cells`);
  }
  const factors = Math.log2(cells);
  const cellMeans = first.map((_, cell) => mean(blocks.map((block) => block[cell] ?? Number.NaN)));
  const degrees = (blocks.length - 1) * (cells - 1);
  const deviation = Math.sqrt(residualSquares(blocks, cellMeans) / degrees);
  const critical = tQuantile(0.5 + confidence / 2, degrees);
  const beyond = tQuantile(power, degrees);
  const contrasts = contrastMasks(factors).map((mask) => {
    const estimate = contrast(cellMeans, mask);
    // A contrast is a sum over all cells with weights of ±1 over 2^(k - order).
    const weight = 2 ** (factors - orderOf(mask));
    const standardError = (deviation * Math.sqrt(cells / blocks.length)) / weight;
    return {
      mask,
      estimate,
      low: estimate - critical * standardError,
      high: estimate + critical * standardError,
      standardError,
      p: twoSidedP(estimate, standardError, degrees),
      detectable: (critical + beyond) * standardError,
    };
  });
  return { blocks: blocks.length, degrees, deviation, contrasts };
}

export function orderOf(mask: number): number {
  return mask.toString(2).replaceAll("0", "").length;
}

function residualSquares(blocks: readonly (readonly number[])[], cellMeans: readonly number[]): number {
  const grand = mean(cellMeans);
  let sum = 0;
  for (const block of blocks) {
    const shift = mean(block) - grand;
    for (const [cell, value] of block.entries()) sum += (value - shift - (cellMeans[cell] ?? 0)) ** 2;
  }
  return sum;
}

function twoSidedP(estimate: number, standardError: number, degrees: number): number {
  if (standardError === 0) return estimate === 0 ? 1 : 0;
  return 2 * tUpperTail(Math.abs(estimate) / standardError, degrees);
}
