import fc from "fast-check";
import { expect, test } from "vitest";
import { Distribution } from "./distribution.ts";
import { A66_LATENCY_BOUNDS, A66_SIZE_BOUNDS, REQUEST_DURATION_BOUNDS } from "./names.ts";

test("a distribution counts what was at most each bound, as a plain count does", () => {
  const bounds = A66_LATENCY_BOUNDS;
  const value = fc.oneof(fc.constantFrom(...bounds), fc.double({ min: 0, max: 200, noNaN: true }));
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const distribution = new Distribution(Float64Array.from(bounds));
      for (const one of values) distribution.observe(one);
      expect(distribution.count).toBe(values.length);
      expect(distribution.sum).toBeCloseTo(
        values.reduce((sum, one) => sum + one, 0),
        6,
      );
      expect(distribution.cumulative(bounds)).toEqual(
        bounds.map((bound) => values.filter((one) => one <= bound).length),
      );
    }),
  );
});

test("a bound that the distribution does not have is refused", () => {
  const distribution = new Distribution(Float64Array.of(1, 2));
  expect(() => distribution.cumulative([1.5])).toThrow("1.5 is not a bound");
});

test("the bounds are ascending and as many as gRFC A66 lists", () => {
  expect(A66_LATENCY_BOUNDS).toHaveLength(41);
  expect(A66_SIZE_BOUNDS).toHaveLength(14);
  for (const bounds of [A66_LATENCY_BOUNDS, A66_SIZE_BOUNDS, REQUEST_DURATION_BOUNDS]) {
    expect(bounds).toEqual([...new Set(bounds)].toSorted((a, b) => a - b));
  }
});
