import { describe, expect, it } from "vitest";
import { standardDeviation, trimmedMean } from "./trimmed-mean.ts";

describe("the trimmed mean", () => {
  it("drops one value of five from each end, whatever those two are", () => {
    expect(trimmedMean([1, 2, 3, 4, 1000]).mean).toBe(3);
    expect(trimmedMean([-1e9, 2, 3, 4, 5]).mean).toBe(3);
  });

  it("has Yuen's standard error, computed by hand", () => {
    // Winsorized: 2 2 3 4 4, variance 1; share kept 3/5; 1 / (0.6 * sqrt(5)).
    expect(trimmedMean([1, 2, 3, 4, 1000]).standardError).toBeCloseTo(1 / (0.6 * Math.sqrt(5)), 12);
  });

  it("is the ordinary mean with its ordinary error below five values", () => {
    const located = trimmedMean([1, 2, 6]);
    expect(located.mean).toBe(3);
    expect(located.standardError).toBeCloseTo(Math.sqrt(7) / Math.sqrt(3), 12);
  });

  it("refuses nothing and refuses to trim everything", () => {
    expect(() => trimmedMean([])).toThrow(/at least one value/);
    expect(() => trimmedMean([1], 0.5)).toThrow(/got 0.5/);
  });

  it("knows no spread in one value", () => {
    expect(standardDeviation([4])).toBe(0);
  });
});
