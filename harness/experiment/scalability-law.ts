// The universal scalability law, X(N) = λN / (1 + σ(N-1) + κN(N-1)): λ calls a second at N = 1, σ for what is done one after another, κ for
// what everyone must agree on. Fitted by least squares of logarithms with σ, κ >= 0; intervals by bootstrap over slices. It describes the N
// that were measured and says nothing of others.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { solveLinear } from "./solve-linear.ts";
import { mean } from "./trimmed-mean.ts";

export interface ScalabilityPoint {
  readonly n: number;
  /** Calls a second, one for each slice. */
  readonly throughputs: readonly number[];
}

interface Law {
  readonly lambda: number;
  readonly sigma: number;
  readonly kappa: number;
}

export interface Estimated {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface ScalabilityFit {
  readonly lambda: Estimated;
  readonly sigma: Estimated;
  readonly kappa: Estimated;
  /** Of logarithms. */
  readonly rSquared: number;
  /** ln measured - ln fitted, in the order of the points. */
  readonly residuals: readonly { readonly n: number; readonly fitted: number; readonly residual: number }[];
  /** N of the largest throughput; null when it lies outside what was measured, of which this fit says nothing. */
  readonly peak: Estimated | null;
  readonly smallest: number;
  readonly largest: number;
}

/** Why there is no fit. */
export class NoFitError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "NoFitError";
  }
}

export const leastPoints = 6;
const resamples = 200;

/** Throws NoFitError for fewer than six N, or throughputs that have no logarithm. */
export function fitScalability(
  points: readonly ScalabilityPoint[],
  random: SeededRandom,
  confidence = 0.95,
): ScalabilityFit {
  const sorted = [...points].sort((a, b) => a.n - b.n);
  const distinct = new Set(sorted.map(({ n }) => n)).size;
  if (distinct < leastPoints) throw new NoFitError(`needs ${leastPoints} values of N, got ${distinct}`);
  for (const { n, throughputs } of sorted) {
    if (!(n >= 1)) throw new NoFitError(`N must be at least 1, got ${n}`);
    if (throughputs.length === 0 || throughputs.some((x) => !(x > 0))) {
      throw new NoFitError(`no throughput above 0 at N = ${n}`);
    }
  }
  const measured = sorted.map(({ n, throughputs }) => ({ n, y: lnMean(throughputs) }));
  const law = bestLaw(measured);
  const again = Array.from({ length: resamples }, () =>
    bestLaw(sorted.map(({ n, throughputs }) => ({ n, y: lnMean(resampled(throughputs, random)) }))),
  );
  const estimated = (of: (law: Law) => number): Estimated => {
    const values = again.map(of).sort((a, b) => a - b);
    const at = (share: number) => values[Math.round(share * (values.length - 1))] ?? Number.NaN;
    // A bootstrap of few slices may miss the estimate itself.
    return {
      value: of(law),
      low: Math.min(of(law), at((1 - confidence) / 2)),
      high: Math.max(of(law), at((1 + confidence) / 2)),
    };
  };
  const smallest = sorted[0]?.n ?? 1;
  const largest = sorted.at(-1)?.n ?? 1;
  const top = peakOf(law);
  const inside = top >= smallest && top <= largest;
  const centre = mean(measured.map(({ y }) => y));
  const total = measured.reduce((sum, { y }) => sum + (y - centre) ** 2, 0);
  return {
    lambda: estimated(({ lambda }) => lambda),
    sigma: estimated(({ sigma }) => sigma),
    kappa: estimated(({ kappa }) => kappa),
    rSquared: total === 0 ? 1 : 1 - squares(law, measured) / total,
    residuals: measured.map(({ n, y }) => ({ n, fitted: throughput(law, n), residual: y - ln(law, n) })),
    // Resamples whose peak is far away count as the end of what was measured.
    peak: inside ? estimated((one) => Math.min(Math.max(peakOf(one), smallest), largest)) : null,
    smallest,
    largest,
  };
}

/** Throws RangeError outside the N that were measured. */
export function fittedThroughput(fitted: ScalabilityFit, n: number): number {
  if (!(n >= fitted.smallest && n <= fitted.largest)) {
    throw new RangeError(`N must be ${fitted.smallest} to ${fitted.largest}, as measured, got ${n}`);
  }
  const { lambda, sigma, kappa } = fitted;
  return throughput({ lambda: lambda.value, sigma: sigma.value, kappa: kappa.value }, n);
}

interface Measured {
  readonly n: number;
  /** ln throughput. */
  readonly y: number;
}

const throughput = ({ lambda, sigma, kappa }: Law, n: number): number =>
  (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));

const ln = (law: Law, n: number): number => Math.log(throughput(law, n));

function peakOf({ sigma, kappa }: Law): number {
  if (kappa === 0) return Number.POSITIVE_INFINITY;
  return sigma >= 1 ? 1 : Math.max(1, Math.sqrt((1 - sigma) / kappa));
}

function squares(law: Law, points: readonly Measured[]): number {
  return points.reduce((sum, { n, y }) => sum + (y - ln(law, n)) ** 2, 0);
}

/** Of all choices of coefficients that are not 0, the best whose coefficients are not negative. */
function bestLaw(points: readonly Measured[]): Law {
  let best: Law | undefined;
  for (const columns of [[0], [0, 1], [0, 2], [0, 1, 2]]) {
    const law = gaussNewton(points, columns);
    if (law.sigma < 0 || law.kappa < 0 || !(law.lambda > 0)) continue;
    if (best === undefined || squares(law, points) < squares(best, points)) best = law;
  }
  // The law with λ alone always qualifies.
  if (best === undefined) throw new NoFitError("no coefficients above 0 fit");
  return best;
}

/** N / X = a + b(N-1) + cN(N-1) is linear in a = 1/λ, b = σ/λ and c = κ/λ, and so the logarithm's steps are linear problems. */
function gaussNewton(points: readonly Measured[], columns: readonly number[]): Law {
  const basis = points.map(({ n }) => columns.map((column) => [1, n - 1, n * (n - 1)][column] ?? 0));
  const target = points.map(({ n, y }) => Math.log(n) - y);
  const value = (coefficients: readonly number[], row: readonly number[]) =>
    row.reduce((sum, x, i) => sum + x * (coefficients[i] ?? 0), 0);
  const loss = (coefficients: readonly number[]) =>
    basis.reduce((sum, row, i) => {
      const f = value(coefficients, row);
      return f > 0 ? sum + ((target[i] ?? 0) - Math.log(f)) ** 2 : Number.POSITIVE_INFINITY;
    }, 0);
  let now = columns.map((column) => (column === 0 ? Math.exp(mean(target)) : 0));
  for (let step = 0; step < 60; step++) {
    const f = basis.map((row) => value(now, row));
    const jacobian = basis.map((row, i) => row.map((x) => x / (f[i] ?? 1)));
    const residual = target.map((t, i) => t - Math.log(f[i] ?? 1));
    const delta = leastSquares(jacobian, residual);
    let scale = 1;
    let next = now.map((x, i) => x + (delta[i] ?? 0));
    while (loss(next) > loss(now) && scale > 1e-6) {
      scale /= 2;
      next = now.map((x, i) => x + scale * (delta[i] ?? 0));
    }
    if (loss(now) - loss(next) <= 1e-9 * loss(now)) break;
    now = next;
  }
  const at = (column: number) => now[columns.indexOf(column)] ?? 0;
  return { lambda: 1 / at(0), sigma: at(1) / at(0), kappa: at(2) / at(0) };
}

function leastSquares(rows: readonly (readonly number[])[], right: readonly number[]): number[] {
  const width = rows[0]?.length ?? 0;
  const indices = Array.from({ length: width }, (_, i) => i);
  // Columns differ by orders of magnitude, so each is brought to length 1 first.
  const lengths = indices.map((i) => Math.hypot(...rows.map((row) => row[i] ?? 0)));
  const scaled = rows.map((row) => row.map((x, i) => x / (lengths[i] ?? 1)));
  const normal = indices.map((i) =>
    indices.map((j) => scaled.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0)),
  );
  const side = indices.map((i) => scaled.reduce((sum, row, k) => sum + (row[i] ?? 0) * (right[k] ?? 0), 0));
  return solveLinear(normal, side).map((x, i) => x / (lengths[i] ?? 1));
}

const lnMean = (values: readonly number[]): number => mean(values.map(Math.log));

function resampled(values: readonly number[], random: SeededRandom): number[] {
  return values.map(() => values[random.below(values.length)] ?? Number.NaN);
}
