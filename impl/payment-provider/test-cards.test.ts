import { expect, test } from "vitest";
import { EFFECT_NAMES, EFFECTS } from "./effects.ts";
import { describeTestCards, hasCheckDigit, TEST_CARDS } from "./test-cards.ts";

test("every test card is a number that passes for one, and stands in the table once", () => {
  for (const { number } of TEST_CARDS) expect(hasCheckDigit(number), number).toBe(true);
  expect(new Set(TEST_CARDS.map(({ number }) => number)).size).toBe(TEST_CARDS.length);
  expect(describeTestCards().split("\n")).toHaveLength(TEST_CARDS.length + 2);
});

test("every effect has its name in the list", () => {
  expect([...EFFECT_NAMES].sort()).toEqual(Object.keys(EFFECTS).sort());
});
