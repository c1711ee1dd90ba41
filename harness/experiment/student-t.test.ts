import { describe, expect, it } from "vitest";
import { tQuantile, tUpperTail } from "./student-t.ts";

describe("student's t", () => {
  // Two-sided 95 % and one-sided values as printed in tables of the distribution; 1 and 2 degrees have closed forms.
  it.each([
    [0.975, 1, 12.706204736],
    [0.975, 2, 4.30265273],
    [0.975, 3, 3.182446305],
    [0.975, 4, 2.776445105],
    [0.95, 4, 2.131846786],
    [0.99, 11, 2.718079184],
    [0.95, 11, 1.795884819],
    [0.9995, 5, 6.868826626],
    [0.975, 30, 2.042272456],
    [0.975, 1000, 1.962339081],
  ])("has the quantile %f with %i degrees of freedom of the tables", (probability, degrees, expected) => {
    expect(tQuantile(probability, degrees)).toBeCloseTo(expected, 8);
  });

  it("agrees with the closed forms for one and two degrees far into the tail", () => {
    for (const t of [0.1, 1, 10, 1000]) {
      const oneDegree = Math.atan(1 / t) / Math.PI;
      const twoDegrees = 1 / (2 + t * t + t * Math.sqrt(2 + t * t));
      expect(tUpperTail(t, 1) / oneDegree).toBeCloseTo(1, 9);
      expect(tUpperTail(t, 2) / twoDegrees).toBeCloseTo(1, 9);
    }
  });

  it("inverts itself and is symmetric", () => {
    for (const degrees of [1, 2.5, 4, 11, 200]) {
      for (const p of [0.001, 0.2, 0.5, 0.9, 0.9999]) {
        expect(1 - tUpperTail(tQuantile(p, degrees), degrees)).toBeCloseTo(p, 10);
      }
    }
    expect(tQuantile(0.3, 7)).toBeCloseTo(-tQuantile(0.7, 7), 12);
  });

  it("refuses probabilities and degrees that have no meaning", () => {
    expect(() => tQuantile(1, 3)).toThrow(/between 0 and 1, got 1/);
    expect(() => tUpperTail(1, 0)).toThrow(/degrees must be positive, got 0/);
  });
});
