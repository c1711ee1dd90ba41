import { expect, it } from "vitest";
import { searchQueries } from "./search-queries.ts";

const catalogue = [
  "WHITE HANGING HEART",
  "RED HEART",
  "WHITE METAL LANTERN",
  "HEART OF WICKER",
  "RED RETROSPOT BAG",
];

it("weighs words by how often their products were read, and leaves out those that fill no page", () => {
  const read = ["RED HEART", "RED HEART", "WHITE METAL LANTERN", "RED RETROSPOT BAG"];
  expect(searchQueries({ catalogue, read, minMatches: 2, mostWords: 10 })).toEqual([
    { word: "heart", weight: 2 },
    { word: "white", weight: 1 },
  ]);
});

it("keeps only the most read words, and is empty when none is common enough", () => {
  const read = ["WHITE HANGING HEART", "RED HEART"];
  expect(searchQueries({ catalogue, read, minMatches: 1, mostWords: 1 })).toEqual([
    { word: "heart", weight: 2 },
  ]);
  expect(searchQueries({ catalogue, read, minMatches: 9, mostWords: 5 })).toEqual([]);
});
