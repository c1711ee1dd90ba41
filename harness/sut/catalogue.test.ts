import { describe, expect, it } from "vitest";
import { catalogueOf, emailOf } from "./catalogue.ts";

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
