import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { fitScalability, fittedThroughput, NoFitError, type ScalabilityPoint } from "./scalability-law.ts";

const sizes = [1, 2, 4, 8, 16, 32, 64];

function pointsOf(lambda: number, sigma: number, kappa: number, noise = () => 1): ScalabilityPoint[] {
  const x = (n: number) => (lambda * n) / (1 + sigma * (n - 1) + kappa * n * (n - 1));
  return sizes.map((n) => ({ n, throughputs: Array.from({ length: 5 }, () => x(n) * noise()) }));
}

test("recovers the law that made the points", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
      (lambda, sigma, kappa) => {
        const fitted = fitScalability(pointsOf(lambda, sigma, kappa), seededRandom(1));
        expect(fitted.lambda.value / lambda).toBeCloseTo(1, 5);
        expect(fitted.sigma.value).toBeCloseTo(sigma, 5);
        expect(fitted.kappa.value).toBeCloseTo(kappa, 5);
        for (const { residual } of fitted.residuals) expect(Math.abs(residual)).toBeLessThan(1e-5);
      },
    ),
    { numRuns: 8 },
  );
});

test("with noise its intervals mostly hold the truth, and coefficients are never negative", () => {
  const random = seededRandom(3);
  let held = 0;
  for (let run = 0; run < 8; run++) {
    const noise = () => Math.exp(0.05 * (random.next() + random.next() + random.next() - 1.5));
    const { sigma, kappa, rSquared } = fitScalability(pointsOf(100, 0.05, 0.002, noise), random);
    if (kappa.low <= 0.002 && 0.002 <= kappa.high) held++;
    expect(sigma.low).toBeGreaterThanOrEqual(0);
    expect(rSquared).toBeGreaterThan(0.95);
  }
  expect(held).toBeGreaterThanOrEqual(5);
});

test("more than linear growth is fitted with coefficients of 0, not below", () => {
  const points = sizes.map((n) => ({ n, throughputs: [10 * n ** 1.2, 10 * n ** 1.2] }));
  const { sigma, kappa } = fitScalability(points, seededRandom(1));
  expect([sigma.value, kappa.value]).toEqual([0, 0]);
});

test("a peak is named inside what was measured, and never beyond", () => {
  const inside = fitScalability(pointsOf(100, 0.1, 0.01), seededRandom(1));
  expect(inside.peak?.value).toBeCloseTo(Math.sqrt(0.9 / 0.01), 3);
  const beyond = fitScalability(pointsOf(100, 0.1, 0.000_01), seededRandom(1));
  expect(beyond.peak).toBeNull();
  expect(fittedThroughput(inside, 10)).toBeCloseTo(1000 / (1 + 0.9 + 0.9), 3);
  expect(() => fittedThroughput(inside, 65)).toThrow(/1 to 64, as measured, got 65/);
});

test("too few points, or one without throughput, are refused", () => {
  expect(() => fitScalability(pointsOf(1, 0, 0).slice(0, 5), seededRandom(1))).toThrow(NoFitError);
  const dead = sizes.map((n) => ({ n, throughputs: [n === 8 ? 0 : n] }));
  expect(() => fitScalability(dead, seededRandom(1))).toThrow(/N = 8/);
});
