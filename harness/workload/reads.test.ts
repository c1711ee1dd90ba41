import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "#harness/random/seeded-random.ts";
import { reads, searches } from "./reads.ts";
import { retailShop } from "./retail-catalogue.ts";
import type { RetailData } from "./retail-csv.ts";
import type { SaleLine } from "./retail-row.ts";
import { searchTerms } from "./search-terms.ts";
import type { Shop } from "./shop.ts";
import { syntheticShop } from "./synthetic-shop.ts";
import { fitZipf } from "./zipf.ts";

const sku = /^[!-~]([ -~]{0,62}[!-~])?$/;
const category = /^[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)*$/;

const sold = retailShop(
  dataOf([
    ["1", "A", "RED HEART MUG", 295, "17850"],
    ["1", "B", "TIN LANTERN", 100, "17850"],
    ["2", "A", "RED HEART MUG", 300, undefined],
    ["2", "A", "", 295, undefined],
    ["3", "BANK CHARGES", "Bank Charges", 1500, "12583"],
  ]),
);

test("products take their most frequent description and price, baskets the order of the invoices", () => {
  expect(sold.products.map(({ sku, name, priceMinor, weight }) => [sku, name, priceMinor, weight])).toEqual([
    ["A", "RED HEART MUG", 295, 3],
    ["B", "TIN LANTERN", 100, 1],
    ["BANK CHARGES", "Bank Charges", 1500, 1],
  ]);
  expect(sold.products.map((product) => product.category)).toEqual([
    "kitchen/drinks",
    "home/lighting",
    "other",
  ]);
  expect(sold.customers.map(({ id, weight }) => [id, weight])).toEqual([
    ["17850", 1],
    ["12583", 1],
  ]);
  expect(sold.baskets).toEqual([
    { customer: 0, products: [0, 1] },
    { customer: null, products: [0, 0] },
    { customer: 1, products: [2] },
  ]);
});

test("a replay reads each basket's customer, then its lines, in the order of the invoices, again and again", () => {
  const all = [..."UPP"].concat([..."PP"], [..."UP"]);
  const stream = take(reads(sold, seededRandom(1), { order: "replay" }), all.length * 2);
  expect(stream.map((read) => (read.kind === "getUser" ? "U" : "P"))).toEqual([...all, ...all]);
  expect(stream.slice(0, 3)).toEqual([
    { kind: "getUser", customerId: "17850", customer: 0 },
    { kind: "getProduct", sku: "A", product: 0 },
    { kind: "getProduct", sku: "B", product: 1 },
  ]);
});

test("sampled reads are the same for one seed, differ for another, and follow the real popularity", () => {
  const shop = syntheticShop({ seed: 4 });
  const of = (seed: number) => take(reads(shop, seededRandom(seed), { searchShare: 0.3 }), 500);
  expect(of(1)).toEqual(of(1));
  expect(of(1)).not.toEqual(of(2));
  const read = take(reads(sold, seededRandom(3)), 40_000).flatMap((r) =>
    r.kind === "getProduct" ? [r.product] : [],
  );
  const share = (product: number) => read.filter((each) => each === product).length / read.length;
  for (const [index, { weight }] of sold.products.entries()) {
    expect(Math.abs(share(index) - weight / 5)).toBeLessThan(0.03);
  }
});

test("searches are words of descriptions, as often as what they describe is sold, or categories that exist", () => {
  expect(searchTerms(sold).slice(0, 3)).toEqual([
    { word: "heart", weight: 3 },
    { word: "mug", weight: 3 },
    { word: "red", weight: 3 },
  ]);
  const words = new Set(searchTerms(sold).map((term) => term.word));
  const categories = new Set(sold.products.map((product) => product.category));
  const asked = take(searches(sold, seededRandom(9), 20), 2000);
  for (const { query, category, pageSize } of asked) {
    expect(query === "" ? categories.has(category) : words.has(query) && category === "").toBe(true);
    expect(pageSize).toBe(20);
  }
  expect(asked.filter(({ query }) => query === "heart").length).toBeGreaterThan(
    asked.filter(({ query }) => query === "tin").length,
  );
});

test("a made-up shop is given by its seed, is a legal catalogue, and has the skew it states", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const options = { seed, products: 400, customers: 50, baskets: 300, skew: 0.9 };
      const shop = syntheticShop(options);
      expect(syntheticShop(options)).toEqual(shop);
      expect(new Set(shop.products.map((product) => product.sku)).size).toBe(400);
      for (const product of shop.products) {
        expect(product.sku).toMatch(sku);
        expect(product.category).toMatch(category);
        expect(Number.isInteger(product.priceMinor) && product.priceMinor > 0).toBe(true);
      }
      for (const basket of shop.baskets) expect(basket.products.length).toBeGreaterThan(0);
      expect(Math.abs(fitZipf(readCounts(shop)) - 0.9)).toBeLessThan(0.2);
    }),
    { numRuns: 10 },
  );
});

test("nothing to read is refused", () => {
  const empty = { ...sold, baskets: [] };
  expect(() => reads(empty, seededRandom(1))).toThrow(/0 baskets/);
  expect(() => retailShop(dataOf([]))).toThrow(/none of 0 rows/);
  expect(() => syntheticShop({ seed: 1, products: 0 })).toThrow(/products.*got 0/);
});

function readCounts(shop: Shop): number[] {
  const counts = new Array<number>(shop.products.length).fill(0);
  for (const product of shop.baskets.flatMap((basket) => basket.products))
    counts[product] = (counts[product] ?? 0) + 1;
  return counts;
}

function take<T>(stream: Generator<T, never, void>, count: number): T[] {
  return Array.from({ length: count }, () => stream.next().value);
}

function dataOf(
  rows: readonly (readonly [
    invoice: string,
    code: string,
    text: string,
    price: number,
    buyer: string | undefined,
  ])[],
): RetailData {
  const sales = rows.map(
    ([invoice, stockCode, description, unitPriceMinor, customerId], index): SaleLine => ({
      file: "day.csv",
      line: index + 2,
      invoice,
      stockCode,
      description,
      quantity: 1,
      unitPriceMinor,
      invoiceDate: "2010-12-01 08:26:00",
      customerId,
      country: "United Kingdom",
    }),
  );
  return { days: ["day.csv"], rows: sales.length, sales, rejected: [], rejectedByReason: {} };
}
