import { describe, expect, it } from "vitest";
import { syntheticShop } from "#harness/workload/synthetic-shop.ts";
import { catalogueOf, emailOf } from "./catalogue.ts";
import { pageFillingTerms } from "./page-filling-terms.ts";

const product = {
  sku: "85123A",
  name: "HEART",
  description: "HEART",
  category: "home",
  priceMinor: 255,
  weight: 1,
};

describe("the catalogue for import", () => {
  it("has whole pennies as money and a country where the source names one", () => {
    const { products, customers } = catalogueOf({
      source: "retail",
      about: "",
      products: [product, { ...product, priceMinor: 7 }],
      customers: [
        { id: "17850", country: "United Kingdom", weight: 1 },
        { id: "14911", country: "EIRE", weight: 1 },
        { id: "1", country: "Unspecified", weight: 1 },
      ],
      baskets: [],
    });
    expect(products.map(({ price }) => price)).toEqual([
      { currencyCode: "GBP", units: 2n, nanos: 550_000_000 },
      { currencyCode: "GBP", units: 0n, nanos: 70_000_000 },
    ]);
    expect(customers.map((user) => user.profile?.addresses[0]?.countryCode)).toEqual(["GB", "IE", undefined]);
    expect(customers[0]?.email).toBe(emailOf("17850"));
  });
});

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
