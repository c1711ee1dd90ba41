import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { Availability, type Product } from "#proto/ecommerce/v1/product.ts";
import { FacetKind, ProductOrder, type SearchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { insertTies } from "./testing/many-products.ts";
import { create, pounds, productFixture, searching } from "./testing/product-fixture.ts";
import { fillShop } from "./testing/small-shop.ts";

const { client, database } = await productFixture();
const search = (request: Partial<SearchProductsRequest>) => client.searchProducts(searching(request));
const names = async (request: Partial<SearchProductsRequest>) =>
  (await search(request)).products.map(({ name }) => name);

const { AVAILABILITY_LOW_STOCK, AVAILABILITY_OUT_OF_STOCK } = Availability;
await fillShop(client);

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
    await insertTies(database.queries);
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
