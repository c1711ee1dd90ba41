import { describe, expect, it } from "vitest";
import { syntheticShop } from "#harness/workload/synthetic-shop.ts";
import { pageFillingTerms } from "./page-filling-terms.ts";

describe("terms that fill a page", () => {
  it("are those of the shop that enough products have, most wanted first", () => {
    const shop = syntheticShop({ seed: 5, products: 400 });
    const terms = pageFillingTerms(shop, 30);
    expect(terms.length).toBeGreaterThan(5);
    for (const { word } of terms) {
      const matching = shop.products.filter(({ description }) =>
        description
          .toLowerCase()
          .split(/[^a-z]+/)
          .includes(word),
      );
      expect(matching.length).toBeGreaterThanOrEqual(30);
    }
    expect(terms.map((term) => term.weight)).toEqual(
      terms.map((term) => term.weight).toSorted((a, b) => b - a),
    );
    expect(pageFillingTerms(shop, 401)).toEqual([]);
  });
});
