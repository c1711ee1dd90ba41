import fc from "fast-check";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { Availability, type Product } from "#proto/ecommerce/v1/product.ts";
import {
  type Facet,
  FacetKind,
  ProductOrder,
  type SearchProductsRequest,
} from "#proto/ecommerce/v1/product_service.ts";
import { create, failure, pounds, productFixture, searching, violations } from "./testing/product-fixture.ts";

const { client, database } = await productFixture();
const search = (request: Partial<SearchProductsRequest>) => client.searchProducts(searching(request));
const names = async (request: Partial<SearchProductsRequest>) =>
  (await search(request)).products.map(({ name }) => name);

const { AVAILABILITY_LOW_STOCK, AVAILABILITY_OUT_OF_STOCK } = Availability;
const shop: Partial<Product>[] = [
  {
    name: "White hanging lantern",
    category: "home/lighting",
    price: pounds(1_500n),
    attributes: { colour: "white" },
  },
  {
    name: "Red lantern",
    category: "home/lighting",
    price: pounds(900n),
    attributes: { colour: "red", size: "L" },
  },
  {
    name: "Garden chair",
    category: "garden",
    price: pounds(4_000n),
    description: "Sits well beside a lantern",
  },
  {
    name: "Office chair",
    category: "home-office",
    price: pounds(9_900n),
    availability: AVAILABILITY_LOW_STOCK,
  },
  { name: "Cushion", category: "home", price: pounds(900n), availability: AVAILABILITY_OUT_OF_STOCK },
  {
    name: "äpfel",
    price: { currencyCode: "EUR", units: 3n, nanos: 0 },
    attributes: { colour: "red" },
    sku: "FRUIT-77",
  },
];
for (const product of shop) await create(client, product);
const gone = await create(client, { name: "Deleted lantern", category: "home/lighting" });
await client.deleteProduct({ productId: gone.productId, etag: "" });

describe("a search by words", () => {
  test.each([
    ["lantern", ["Red lantern", "White hanging lantern", "Garden chair"]],
    ["LANTERNS", ["Red lantern", "White hanging lantern", "Garden chair"]],
    ['"hanging lantern"', ["White hanging lantern"]],
    ["lantern -red", ["White hanging lantern", "Garden chair"]],
    ["chair or cushion", ["Office chair", "Garden chair", "Cushion"]],
    ["FRUIT-77", ["äpfel"]],
    ["white", ["White hanging lantern"]],
    ["lighting", ["Red lantern", "White hanging lantern"]],
    ["nothing", []],
    ["the", []],
    [`"unclosed & | ! ( <->`, []],
  ])("for %s finds %j", async (query, expected) => {
    const found = await names({ query });
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  test("puts a word in the name before the same word in the description", async () => {
    expect((await names({ query: "lantern" })).at(-1)).toBe("Garden chair");
  });

  test("is without effect when there are no words", async () => {
    expect(await names({ query: "  " })).toEqual(await names({}));
  });
});

describe("conditions", () => {
  test("a category has those below it, and not its namesakes", async () => {
    expect((await names({ category: "home" })).toSorted()).toEqual([
      "Cushion",
      "Red lantern",
      "White hanging lantern",
    ]);
    expect((await names({ category: "home/lighting" })).toSorted()).toEqual([
      "Red lantern",
      "White hanging lantern",
    ]);
    expect(await names({ category: "hom" })).toEqual([]);
  });

  test("a price range includes its bounds and is of one currency", async () => {
    const range = { min: pounds(900n), max: pounds(1_500n) };
    expect((await names({ priceRange: range })).toSorted()).toEqual([
      "Cushion",
      "Red lantern",
      "White hanging lantern",
    ]);
    expect(await names({ priceRange: { min: pounds(4_001n), max: undefined } })).toEqual(["Office chair"]);
    const euros = { currencyCode: "EUR", units: 100n, nanos: 0 };
    expect(await names({ priceRange: { min: undefined, max: euros } })).toEqual(["äpfel"]);
  });

  test("attributes and availabilities: one of the values of each", async () => {
    const red = { name: "colour", values: ["red"] };
    expect((await names({ attributes: [red] })).toSorted()).toEqual(["Red lantern", "äpfel"]);
    expect(await names({ attributes: [red, { name: "size", values: ["S", "L"] }] })).toEqual(["Red lantern"]);
    const either = [AVAILABILITY_OUT_OF_STOCK, AVAILABILITY_LOW_STOCK];
    expect((await names({ availabilities: either })).toSorted()).toEqual(["Cushion", "Office chair"]);
  });

  test("are joined by and", async () => {
    const priceRange = { min: undefined, max: pounds(1_000n) };
    expect(await names({ query: "lantern", category: "home", priceRange })).toEqual(["Red lantern"]);
  });

  test.each<[Partial<SearchProductsRequest>, string]>([
    [{ query: "a\0b" }, "query: text.nul"],
    [{ attributes: [{ name: "colour", values: ["a\0b"] }] }, "attributes[0].values[0]: text.nul"],
    [
      { priceRange: { min: { ...pounds(1n), nanos: 1 }, max: undefined } },
      "price_range.min: money.precision",
    ],
    [{ pageSize: -1 }, "page_size: int32.gte"],
    [{ pageToken: "nonsense" }, "page_token: token.invalid"],
  ])("%o is refused by %s", async (request, violation) => {
    const error = await failure(search(request));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toContain(violation);
  });
});

describe("the order", () => {
  const { PRODUCT_ORDER_NAME, PRODUCT_ORDER_PRICE_ASC, PRODUCT_ORDER_PRICE_DESC } = ProductOrder;
  test.each([
    [
      PRODUCT_ORDER_NAME,
      ["Cushion", "Garden chair", "Office chair", "Red lantern", "White hanging lantern", "äpfel"],
    ],
    [
      PRODUCT_ORDER_PRICE_ASC,
      ["äpfel", "Red lantern", "Cushion", "White hanging lantern", "Garden chair", "Office chair"],
    ],
    [
      PRODUCT_ORDER_PRICE_DESC,
      ["äpfel", "Office chair", "Garden chair", "White hanging lantern", "Red lantern", "Cushion"],
    ],
    [
      ProductOrder.PRODUCT_ORDER_NEWEST,
      ["äpfel", "Cushion", "Office chair", "Garden chair", "Red lantern", "White hanging lantern"],
    ],
  ])("%i is kept", async (order, expected) => {
    expect(await names({ order })).toEqual(expected);
  });
});

describe("pages", () => {
  const arguments_: Partial<SearchProductsRequest>[] = [
    ...Object.values(ProductOrder).map((order) => ({ order, category: "bulk" })),
    { query: "thing", category: "bulk" },
    {
      query: "thing",
      priceRange: { min: pounds(200n), max: undefined },
      order: ProductOrder.PRODUCT_ORDER_PRICE_DESC,
    },
  ];
  const walk = async (request: Partial<SearchProductsRequest>, sizes: () => number): Promise<Product[]> => {
    const products: Product[] = [];
    let pageToken = "";
    do {
      const page = await search({ ...request, pageSize: sizes(), pageToken });
      products.push(...page.products);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return products;
  };

  test("of any sizes show every product once, in the order of one page", async () => {
    // Many ties in every order but that by id: two currencies, few prices, names and times.
    await sql`insert into products.products (product_id, sku, name, description, category, price_minor, currency, attributes,
        availability, create_time, update_time)
      select gen_random_uuid(), 'bulk-' || n, case n % 3 when 0 then 'Thing' else 'thing ' || n % 5 end, 'thing', 'bulk',
        n % 4 * 100, case n % 2 when 0 then 'GBP' else 'EUR' end, '{}', 1, now() + n / 10 * interval '1 ms', now()
      from generate_series(1, 60) as n`.execute(database.queries);
    const whole = new Map<object, string[]>();
    for (const request of arguments_) {
      const { products, nextPageToken } = await search({ ...request, pageSize: 200 });
      expect(nextPageToken).toBe("");
      whole.set(
        request,
        products.map(({ productId }) => productId),
      );
    }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...arguments_),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (request, sizes) => {
          const products = await walk(request, () => sizes.next().value);
          expect(products.map(({ productId }) => productId)).toEqual(whole.get(request));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("go on behind a product that was deleted meanwhile, and leave none out", async () => {
    const request = { category: "bulk", order: ProductOrder.PRODUCT_ORDER_PRICE_ASC };
    const { products, nextPageToken } = await search({ ...request, pageSize: 10 });
    const [last] = products.slice(-1);
    const before = await walk(request, () => 200);
    await client.deleteProduct({ productId: last?.productId ?? "", etag: "" });
    const { products: rest } = await search({ ...request, pageSize: 200, pageToken: nextPageToken });
    expect(rest).toEqual(before.slice(10));
  });

  test("have 40 products when no size is given", async () => {
    expect((await search({ category: "bulk" })).products).toHaveLength(40);
  });

  test("have a token that is good for these arguments only, whatever the size and the facets", async () => {
    const { nextPageToken: pageToken } = await search({ category: "bulk", pageSize: 3 });
    const facets = [FacetKind.FACET_KIND_CATEGORY];
    expect((await search({ category: "bulk", pageSize: 5, pageToken, facets })).products).toHaveLength(5);
    const others = [
      { category: "home" },
      { category: "bulk", query: "thing" },
      { category: "bulk", order: 5 } as const,
    ];
    for (const other of others) {
      const error = await failure(search({ ...other, pageToken }));
      expect(error.code).toBe(Code.INVALID_ARGUMENT);
      expect(violations(error)).toEqual(["page_token: token.invalid"]);
    }
  });

  test("have a token that fits its field, however long the names are", async () => {
    const category = "long-names";
    for (const sku of ["long-1", "long-2"])
      await create(client, { name: "\u{1F4A1}".repeat(200), category, sku });
    const request = { category, order: ProductOrder.PRODUCT_ORDER_NAME, pageSize: 1 };
    const { nextPageToken: pageToken } = await search(request);
    expect((await search({ ...request, pageToken })).products).toHaveLength(1);
  });

  test("are one statement each, and one more with facets", async () => {
    const facets = Object.values(FacetKind).filter((kind) => kind !== FacetKind.FACET_KIND_UNSPECIFIED);
    const before = database.statements();
    await search({ category: "bulk" });
    expect(database.statements() - before).toBe(1);
    await search({ category: "bulk", facets });
    expect(database.statements() - before).toBe(3);
  });
});

describe("facets", () => {
  const facetsOf = async (request: Partial<SearchProductsRequest>, facet: FacetKind) =>
    (await search({ ...request, facets: [facet] })).facets;
  const counts = (facet: Facet | undefined) => facet?.counts.map(({ value, count }) => `${value}: ${count}`);

  test("are absent, like the total, when they are not asked for", async () => {
    expect(await search({ category: "home" })).toMatchObject({ facets: [], totalSize: undefined });
    const { totalSize } = await search({
      category: "home",
      pageSize: 1,
      facets: [FacetKind.FACET_KIND_CATEGORY],
    });
    expect(totalSize).toBe(3n);
  });

  test("count categories one level below the one that was asked for", async () => {
    const [below] = await facetsOf({ category: "home" }, FacetKind.FACET_KIND_CATEGORY);
    expect(counts(below)).toEqual(["home/lighting: 2"]);
    const [top] = await facetsOf({ query: "lantern" }, FacetKind.FACET_KIND_CATEGORY);
    expect(counts(top)).toEqual(["home: 2", "garden: 1"]);
  });

  test("count values by attribute, the commonest first", async () => {
    const facets = await facetsOf({}, FacetKind.FACET_KIND_ATTRIBUTES);
    expect(facets.map((facet) => [facet.attribute, counts(facet), facet.otherCount])).toEqual([
      ["colour", ["red: 2", "white: 1"], 0n],
      ["size", ["L: 1"], 0n],
    ]);
  });

  test("show 20 values and count the others", async () => {
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

  test("cut prices into bands that together have every result, and each finds what it counted", async () => {
    const [bands] = await facetsOf({ category: "bulk" }, FacetKind.FACET_KIND_PRICE_BANDS);
    const { totalSize } = await search({ category: "bulk", facets: [FacetKind.FACET_KIND_PRICE_BANDS] });
    expect(bands?.counts.reduce((sum, { count }) => sum + count, 0n)).toBe(totalSize);
    expect(bands?.otherCount).toBe(0n);
    for (const { priceRange, count } of bands?.counts ?? []) {
      const { products } = await search({ category: "bulk", priceRange, pageSize: 200 });
      expect(BigInt(products.length)).toBe(count);
    }
  });

  test("name a band by its bounds, the lowest first, currencies in alphabetical order", async () => {
    const [bands] = await facetsOf({}, FacetKind.FACET_KIND_PRICE_BANDS);
    const [first] = bands?.counts ?? [];
    expect(first?.value).toMatch(/^\d+\.\d\d-\d+\.\d\d EUR$/);
    const currencies = bands?.counts.map(({ value }) => value.slice(-3)) ?? [];
    expect(currencies).toEqual(currencies.toSorted());
    for (const currency of new Set(currencies)) {
      expect(currencies.filter((other) => other === currency).length).toBeLessThanOrEqual(8);
    }
  });

  test("of no results are empty", async () => {
    const facets = [
      FacetKind.FACET_KIND_CATEGORY,
      FacetKind.FACET_KIND_ATTRIBUTES,
      FacetKind.FACET_KIND_PRICE_BANDS,
    ];
    const found = await search({ query: "nothing", facets });
    expect(found.totalSize).toBe(0n);
    expect(found.facets.flatMap((facet) => facet.counts)).toEqual([]);
  });
});
