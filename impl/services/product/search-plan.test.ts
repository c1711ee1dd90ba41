import { sql } from "kysely";
import { expect, test } from "vitest";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import type { ProductSearch, SearchConditions } from "./product-search.ts";
import { type ProductTables, productsSchema } from "./product-tables.ts";
import { pageQuery } from "./search-page.ts";
import { insertManyProducts } from "./testing/many-products.ts";

const { queries } = await testDatabase<ProductTables>({ migrations: [productsSchema] });
await insertManyProducts(queries, 5_000);

const anything: SearchConditions = {
  query: undefined,
  category: undefined,
  price: undefined,
  attributes: [],
  availabilities: [],
};

/** The plan as PostgreSQL prints it, and the query it is of. */
async function plan(
  conditions: Partial<SearchConditions>,
  search: Partial<ProductSearch> = {},
): Promise<string> {
  const query = pageQuery(queries, {
    conditions: { ...anything, ...conditions },
    order: "newest",
    after: undefined,
    pageSize: 40,
    ...search,
  });
  const { rows } = await sql<{
    "QUERY PLAN": string;
  }>`explain (analyze, costs off, timing off, summary off, buffers off) ${query}`.execute(queries);
  return rows.map((row) => row["QUERY PLAN"]).join("\n");
}

test("a full-text search reads the index of words and no other row", async () => {
  const words = await plan({ query: "brass lantern" }, { order: "relevance" });
  expect(words).toContain("Bitmap Index Scan on products_search_text");
  expect(words).not.toContain("Seq Scan");
});

test("a category and what is below it is one range of the index of categories", async () => {
  for (const order of ["newest", "cheapest", "name"] as const) {
    const narrow = await plan({ category: "home/part-5" }, { order });
    expect(narrow).toMatch(/Index Scan (using|on) products_category/);
    expect(narrow).toMatch(/category_range >= 'home part-5 '.* AND .*category_range < 'home part-5!'/);
    expect(narrow).not.toContain("Seq Scan");
  }
});

test("a wide category is read in its order until the page is full", async () => {
  const wide = await plan({ category: "home" });
  expect(wide).toContain("Index Scan Backward using products_newest");
  expect(wide).not.toContain("Sort");
});

test("words and attributes together use both of their indexes or the narrower one", async () => {
  const attributes = [{ name: "colour", values: ["colour-3", "colour-4"] }];
  expect(await plan({ attributes, query: "brass" })).toMatch(
    /Bitmap Index Scan on products_(search_text|attributes)/,
  );
  const narrow = [{ name: "colour", values: ["no such colour", "nor this"] }];
  const or = await plan({ attributes: narrow });
  expect(or).toContain("BitmapOr");
  expect(or.match(/Bitmap Index Scan on products_attributes/g)).toHaveLength(2);
});

test.each([
  ["newest", "products_newest", ["2026-01-02 00:00:00+00", "0198c0de-0000-7000-8000-000000000000"]],
  ["cheapest", "products_cheapest", ["GBP", "5000", "0198c0de-0000-7000-8000-000000000000"]],
  ["dearest", "products_dearest", ["GBP", "-5000", "0198c0de-0000-7000-8000-000000000000"]],
  ["name", "products_name", ["round wooden bowl", "0198c0de-0000-7000-8000-000000000000"]],
] as const)(
  "a later page in the order %s begins at its place in %s and sorts nothing",
  async (order, index, after) => {
    const page = await plan({}, { order, after });
    expect(page).toMatch(new RegExp(`Index Scan (Backward )?using ${index} on`));
    expect(page).toMatch(/Index Cond: \(ROW/);
    expect(page).not.toMatch(/Sort|Filter/);
  },
);
