import { describe, expect, it } from "vitest";
import { contrast, contrastMasks } from "./factorial.ts";

describe("a full factorial", () => {
  it("finds multiplying effects and no interaction where there is none", () => {
    // Factor 0 halves, factor 1 triples: cells off/off, on/off, off/on, on/on.
    const cells = [10, 5, 30, 15].map(Math.log);
    expect(Math.exp(contrast(cells, 1))).toBeCloseTo(0.5, 12);
    expect(Math.exp(contrast(cells, 2))).toBeCloseTo(3, 12);
    expect(Math.exp(contrast(cells, 3))).toBeCloseTo(1, 12);
  });

  it("calls an interaction the ratio of ratios", () => {
    // Factor 0 halves alone, and does nothing where factor 1 is on: (30/30) / (5/10) = 2.
    const cells = [10, 5, 30, 30].map(Math.log);
    expect(Math.exp(contrast(cells, 3))).toBeCloseTo(2, 12);
    expect(Math.exp(contrast(cells, 1))).toBeCloseTo(Math.sqrt(0.5), 12);
  });

  it("averages over the other factors of a 2^3, computed by hand", () => {
    const cells = [1, 2, 3, 5, 8, 13, 21, 34];
    expect(contrast(cells, 1)).toBe((2 - 1 + (5 - 3) + (13 - 8) + (34 - 21)) / 4);
    expect(contrast(cells, 3)).toBe((5 - 3 - (2 - 1) + (34 - 21 - (13 - 8))) / 2);
    expect(contrast(cells, 7)).toBe(34 - 21 - (13 - 8) - (5 - 3 - (2 - 1)));
  });

  it("names every set of factors once, mains first", () => {
    expect(contrastMasks(2)).toEqual([1, 2, 3]);
    expect(contrastMasks(3)).toEqual([1, 2, 4, 3, 5, 6, 7]);
  });

  it("refuses cells that are not a full factorial", () => {
    expect(() => contrast([1, 2, 3], 1)).toThrow(/got 3/);
    expect(() => contrast([1, 2], 2)).toThrow(/got 2/);
  });
});
