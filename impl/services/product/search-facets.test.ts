import { expect, test } from "vitest";
import { type Facet, FacetKind, type SearchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { insertTies } from "./testing/many-products.ts";
import { create, productFixture, searching } from "./testing/product-fixture.ts";
import { fillShop } from "./testing/small-shop.ts";

const { client, database } = await productFixture();
await fillShop(client);
const search = (request: Partial<SearchProductsRequest>) => client.searchProducts(searching(request));
const facetsOf = async (request: Partial<SearchProductsRequest>, facet: FacetKind) =>
  (await search({ ...request, facets: [facet] })).facets;
const counts = (facet: Facet | undefined) => facet?.counts.map(({ value, count }) => `${value}: ${count}`);

test("facets are absent, like the total, when they are not asked for", async () => {
  expect(await search({ category: "home" })).toMatchObject({ facets: [], totalSize: undefined });
  const { totalSize } = await search({
    category: "home",
    pageSize: 1,
    facets: [FacetKind.FACET_KIND_CATEGORY],
  });
  expect(totalSize).toBe(3n);
});

test("facets count categories one level below the one that was asked for", async () => {
  const [below] = await facetsOf({ category: "home" }, FacetKind.FACET_KIND_CATEGORY);
  expect(counts(below)).toEqual(["home/lighting: 2"]);
  const [top] = await facetsOf({ query: "lantern" }, FacetKind.FACET_KIND_CATEGORY);
  expect(counts(top)).toEqual(["home: 2", "garden: 1"]);
});

test("facets count values by attribute, the commonest first", async () => {
  const facets = await facetsOf({}, FacetKind.FACET_KIND_ATTRIBUTES);
  expect(facets.map((facet) => [facet.attribute, counts(facet), facet.otherCount])).toEqual([
    ["colour", ["red: 2", "white: 1"], 0n],
    ["size", ["L: 1"], 0n],
  ]);
});

test("facets show 20 values and count the others", async () => {
  for (let n = 0; n < 25; n++) {
    await create(client, { name: "Crate", category: `crates/c${n}`, attributes: { serial: `s${n}` } });
  }
  await create(client, { name: "Crate", category: "crates/c7", attributes: { serial: "s7" } });
  const [category] = await facetsOf({ category: "crates" }, FacetKind.FACET_KIND_CATEGORY);
  const [serial] = await facetsOf({ category: "crates" }, FacetKind.FACET_KIND_ATTRIBUTES);
  expect(category?.counts).toHaveLength(20);
  expect(category?.otherCount).toBe(5n);
  expect(counts(category)?.[0]).toBe("crates/c7: 2");
  expect(serial).toMatchObject({ attribute: "serial", otherCount: 5n });
  expect(counts(serial)?.[0]).toBe("s7: 2");
});

test("facets cut prices into bands that together have every result, and each finds what it counted", async () => {
  await insertTies(database.queries);
  const [bands] = await facetsOf({ category: "bulk" }, FacetKind.FACET_KIND_PRICE_BANDS);
  const { totalSize } = await search({ category: "bulk", facets: [FacetKind.FACET_KIND_PRICE_BANDS] });
  expect(bands?.counts.reduce((sum, { count }) => sum + count, 0n)).toBe(totalSize);
  expect(bands?.otherCount).toBe(0n);
  for (const { priceRange, count } of bands?.counts ?? []) {
    const { products } = await search({ category: "bulk", priceRange, pageSize: 200 });
    expect(BigInt(products.length)).toBe(count);
  }
});

test("facets name a price band by its bounds, the lowest first, currencies in alphabetical order", async () => {
  const [bands] = await facetsOf({}, FacetKind.FACET_KIND_PRICE_BANDS);
  const [first] = bands?.counts ?? [];
  expect(first?.value).toMatch(/^\d+\.\d\d-\d+\.\d\d EUR$/);
  const currencies = bands?.counts.map(({ value }) => value.slice(-3)) ?? [];
  expect(currencies).toEqual(currencies.toSorted());
  for (const currency of new Set(currencies)) {
    expect(currencies.filter((other) => other === currency).length).toBeLessThanOrEqual(8);
  }
});

test("facets of no results are empty", async () => {
  const facets = [
    FacetKind.FACET_KIND_CATEGORY,
    FacetKind.FACET_KIND_ATTRIBUTES,
    FacetKind.FACET_KIND_PRICE_BANDS,
  ];
  const found = await search({ query: "nothing", facets });
  expect(found.totalSize).toBe(0n);
  expect(found.facets.flatMap((facet) => facet.counts)).toEqual([]);
});
