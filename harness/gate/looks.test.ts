import { describe, expect, it } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { lookAfter, nominalAlpha } from "./looks.ts";

const looks = ["first", "second", "final"] as const;

describe("the looks", () => {
  it("spend the level that they are named for, over all three, by simulation", () => {
    const random = seededRandom(3);
    const gates = 300_000;
    for (const alpha of [0.05, 0.01, 0.005, 0.01 / 3, 0.0025]) {
      const boundaries = looks.map((look) => normalQuantile(nominalAlpha(alpha, look)));
      let crossed = 0;
      for (let i = 0; i < gates; i++) {
        let sum = 0;
        for (const [k, boundary] of boundaries.entries()) {
          sum += normal(random.next(), random.next());
          if (sum / Math.sqrt(k + 1) < boundary) continue;
          crossed++;
          break;
        }
      }
      const error = 4 * Math.sqrt((alpha * (1 - alpha)) / gates);
      expect(Math.abs(crossed / gates - alpha)).toBeLessThan(error);
    }
  });

  it("have the shape of O'Brien and Fleming: z falls with the root of the information", () => {
    for (const alpha of [0.05, 0.01, 0.005]) {
      const [first = 0, second = 0, final = 0] = looks.map((look) =>
        normalQuantile(nominalAlpha(alpha, look)),
      );
      expect(first / final).toBeCloseTo(Math.sqrt(3), 2);
      expect(second / final).toBeCloseTo(Math.sqrt(1.5), 2);
    }
  });

  it("are due after a third, two thirds and all of the restarts, and only at the end where thirds are none", () => {
    expect([1, 2, 3, 4, 5, 6].map((done) => lookAfter(done, 6))).toEqual([
      undefined,
      "first",
      undefined,
      "second",
      undefined,
      "final",
    ]);
    expect([1, 2, 3, 4].map((done) => lookAfter(done, 4))).toEqual([
      undefined,
      undefined,
      undefined,
      "final",
    ]);
  });

  it("refuse a level that was not worked out", () => {
    expect(() => nominalAlpha(0.02, "final")).toThrow("0.02");
  });
});

function normal(u: number, v: number): number {
  return Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}

/** The z with P(Z > z) = tail, by bisection on a series of the error function. */
function normalQuantile(tail: number): number {
  let low = 0;
  let high = 8;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Simpson's rule from z to 12. */
function upperTail(z: number): number {
  const steps = 2000;
  const width = (12 - z) / steps;
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(z) + density(12);
  for (let i = 1; i < steps; i++) sum += density(z + i * width) * (i % 2 === 0 ? 2 : 4);
  return (sum * width) / 3;
}
