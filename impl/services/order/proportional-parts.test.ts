import fc from "fast-check";
import { expect, test } from "vitest";
import { partOfUnits, proportionalParts } from "./proportional-parts.ts";

const amounts = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n });
const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 20 });
const sum = (parts: readonly bigint[]): bigint => parts.reduce((total, part) => total + part, 0n);

test("the parts add up to the amount, whatever the weights", () => {
  fc.assert(
    fc.property(amounts, weights, (amount, all) => {
      expect(sum(proportionalParts(amount, all))).toBe(amount);
    }),
  );
});

test("no part is a whole unit away from its exact share", () => {
  fc.assert(
    fc.property(amounts, weights, (amount, all) => {
      const total = sum(all);
      fc.pre(total > 0n);
      for (const [index, part] of proportionalParts(amount, all).entries()) {
        const off = part * total - amount * (all[index] ?? 0n);
        expect(off < total && off > -total).toBe(true);
      }
    }),
  );
});

test("a discount of no more than the lines takes no line below zero", () => {
  fc.assert(
    fc.property(weights, fc.bigInt({ min: 0n, max: 10n ** 13n }), (lines, wanted) => {
      const discount = wanted < sum(lines) ? wanted : sum(lines);
      const parts = proportionalParts(-discount, lines);
      expect(lines.every((line, index) => line + (parts[index] ?? 0n) >= 0n)).toBe(true);
    }),
  );
});

test("what is left over goes to the largest remainders, the first of equals first", () => {
  expect(proportionalParts(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
  expect(proportionalParts(10n, [55n, 30n, 15n])).toEqual([6n, 3n, 1n]);
  expect(proportionalParts(5n, [0n, 0n])).toEqual([3n, 2n]);
  expect(proportionalParts(5n, [])).toEqual([]);
});

test("in whatever portions the units of a line are taken, their parts add up to what was paid for it", () => {
  const portions = fc.array(fc.bigInt({ min: 1n, max: 1_000n }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), portions, (paid, taken) => {
      const units = sum(taken);
      let before = 0n;
      let given = 0n;
      for (const quantity of taken) {
        const part = partOfUnits(paid, units, before, quantity);
        expect(part >= 0n).toBe(true);
        given += part;
        before += quantity;
      }
      expect(given).toBe(paid);
    }),
  );
});
