import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { Availability, Product, ProductState } from "#proto/ecommerce/v1/product.ts";
import { create, draft, pounds, productFixture } from "./testing/product-fixture.ts";

const { client, database } = await productFixture();
const unknown = randomUUID();
const update = (product: Product, updateMask?: string[], requestId = "") =>
  client.updateProduct({ product, updateMask, requestId });
const remove = (productId: string, etag = "") => client.deleteProduct({ productId, etag });
const get = async (productId: string) =>
  present((await client.getProduct({ productId, readMask: undefined })).product);

describe("CreateProduct", () => {
  test("stores what was sent and says what the server decided", async () => {
    const sent = draft({
      description: "Of brass",
      category: "home/lighting",
      attributes: { colour: "white", socket: "E27" },
      price: { currencyCode: "KWD", units: 3n, nanos: 5_000_000 },
      availability: Availability.AVAILABILITY_BACKORDER,
    });
    const product = present((await client.createProduct({ product: sent, requestId: "" })).product);
    expect(product).toEqual({
      ...sent,
      productId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      state: ProductState.PRODUCT_STATE_ACTIVE,
      etag: expect.stringMatching(/./),
      createTime: expect.any(Date),
      updateTime: product.createTime,
    });
    expect(await get(product.productId)).toEqual(product);
  });

  test("ignores output-only fields, and is in stock unless it is told otherwise", async () => {
    const product = await create(client, {
      productId: unknown,
      etag: "mine",
      state: ProductState.PRODUCT_STATE_DELETED,
      createTime: new Date(0),
    });
    expect(product.productId).not.toBe(unknown);
    expect(product.state).toBe(ProductState.PRODUCT_STATE_ACTIVE);
    expect(product.createTime?.getTime()).toBeGreaterThan(0);
    expect(product.availability).toBe(Availability.AVAILABILITY_IN_STOCK);
  });

  test("refuses a SKU that is taken, until its product is deleted; another case is another SKU", async () => {
    const { sku, productId } = await create(client, { sku: `Case-${randomUUID()}` });
    await create(client, { sku: sku.toUpperCase() });
    const error = await failure(create(client, { sku }));
    expect(error).toMatchObject({ code: Code.ALREADY_EXISTS, reason: "ALREADY_EXISTS" });
    expect(error.details.resourceInfo?.resourceName).toBe(sku);
    await remove(productId);
    expect((await create(client, { sku })).productId).not.toBe(productId);
  });

  test.each([
    [{ sku: "" }, ": create_product.sku_required"],
    [{ name: "" }, ": create_product.name_required"],
    [{ price: undefined }, ": create_product.price_required"],
    [{ sku: " a" }, "product.sku: string.pattern"],
    [{ category: "Home" }, "product.category: string.pattern"],
    [{ price: { ...pounds(1n), nanos: 5_000_000 } }, "product.price: money.precision"],
    [{ price: { ...pounds(1n), currencyCode: "ABC" } }, "product.price: money.currency"],
    [{ price: { ...pounds(-1n) } }, "product.price: money.not_negative"],
    [{ price: { currencyCode: "GBP", units: 2n ** 62n, nanos: 0 } }, "product.price: money.range"],
    [{ name: "a\0b" }, "product.name: text.nul"],
    [{ attributes: { colour: "a\0b" } }, "product.attributes.colour: text.nul"],
  ])("refuses %o by %s", async (changes, violation) => {
    const error = await failure(create(client, changes as Partial<Product>));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toContain(violation);
  });

  test("with one request id has one effect and one answer, also when sent at the same time", async () => {
    const request = { product: draft(), requestId: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.createProduct(request)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(await client.createProduct(request)).toEqual(answers[0]);
    const other = { ...request, product: { ...request.product, name: "Other" } };
    expect(await failure(client.createProduct(other))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      reason: "REQUEST_ID_REUSED",
    });
  });
});

describe("GetProduct", () => {
  test("returns only the fields of the mask", async () => {
    const { productId, name, price } = await create(client);
    const { product } = await client.getProduct({ productId, readMask: ["name", "price"] });
    expect(product).toEqual({ ...Product.create(), name, price });
  });

  test("refuses an unknown path by name, and an unknown product", async () => {
    const { productId } = await create(client);
    const error = await failure(client.getProduct({ productId, readMask: ["weight"] }));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toEqual(["read_mask: field_mask.unknown_path"]);
    expect(await failure(get(unknown))).toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
  });

  test("is one statement, and so is a batch", async () => {
    const { productId } = await create(client);
    const before = database.statements();
    await get(productId);
    await client.batchGetProducts({ productIds: [productId, unknown], skus: [], readMask: undefined });
    expect(database.statements() - before).toBe(2);
  });
});

describe("UpdateProduct", () => {
  test("changes the fields of the mask and nothing else; attributes are replaced as a whole", async () => {
    const before = await create(client, {
      description: "Old",
      attributes: { colour: "white", socket: "E27" },
    });
    const patch = {
      ...before,
      etag: "",
      name: "New",
      description: "",
      price: pounds(1n),
      attributes: { size: "L" },
    };
    const { product } = await update(patch, ["name", "description", "attributes"]);
    const { etag, updateTime } = present(product);
    expect(product).toEqual({
      ...before,
      name: "New",
      description: "",
      attributes: { size: "L" },
      etag,
      updateTime,
    });
    expect(etag).not.toBe(before.etag);
  });

  test("without a mask changes what is populated, with * everything", async () => {
    const { productId, price } = await create(client, { description: "Old", category: "home" });
    const patch = Product.fromPartial({ productId, name: "New", price });
    expect((await update(patch)).product).toMatchObject({
      name: "New",
      description: "Old",
      category: "home",
    });
    expect((await update(patch, ["*"])).product).toMatchObject({
      name: "New",
      description: "",
      category: "",
    });
  });

  test("follows the law of masks for any mask and patch", async () => {
    const fields = ["name", "description", "category", "price", "attributes", "availability"] as const;
    const content = fc.record({
      name: fc.constantFrom("a", "b"),
      description: fc.constantFrom("", "c"),
      category: fc.constantFrom("", "home"),
      price: fc.constantFrom(pounds(0n), pounds(5n)),
      attributes: fc.constantFrom<Record<string, string>>({}, { size: "L" }),
      availability: fc.constantFrom(Availability.AVAILABILITY_IN_STOCK, Availability.AVAILABILITY_LOW_STOCK),
    });
    const paths = fc.subarray([...fields], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(content, content, paths, async (before, patch, mask) => {
        const { productId, sku } = await create(client, before);
        const { product } = await update(Product.fromPartial({ ...patch, productId, sku }), mask);
        const expected = Object.fromEntries(fields.map((f) => [f, mask.includes(f) ? patch[f] : before[f]]));
        expect(product).toMatchObject(expected);
      }),
      { numRuns: 25 },
    );
  });

  test.each([["sku"], ["images"], ["weight"]])("refuses the path %s", async (path) => {
    const error = await failure(update(await create(client), [path]));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(error)).toEqual(["update_mask: field_mask.in"]);
  });

  test("with one etag is won by exactly one of many at the same time", async () => {
    const product = await create(client);
    const outcomes = await Promise.allSettled(
      ["a", "b", "c", "d"].map((name) => update({ ...product, name }, ["name"])),
    );
    const failures = outcomes.filter(({ status }) => status === "rejected");
    expect(failures).toHaveLength(3);
    for (const outcome of failures) {
      expect(outcome).toMatchObject({ reason: { code: Code.ABORTED, reason: "ETAG_MISMATCH" } });
    }
  });

  test("without an etag loses no one's update", async () => {
    const { productId } = await create(client);
    const patch = Product.fromPartial({ productId, name: "New", description: "New" });
    await Promise.all([update(patch, ["name"]), update(patch, ["description"])]);
    expect(await get(productId)).toMatchObject({ name: "New", description: "New" });
  });

  test("with a repeated request id gives the first answer, and changes nothing", async () => {
    const product = await create(client);
    const requestId = randomUUID();
    const first = await update({ ...product, name: "New" }, ["name"], requestId);
    expect(await update({ ...product, name: "New" }, ["name"], requestId)).toEqual(first);
    expect((await get(product.productId)).etag).toBe(first.product?.etag);
  });

  test("of a product that is deleted or was never there is NOT_FOUND", async () => {
    const product = await create(client);
    await remove(product.productId);
    expect((await failure(update({ ...product, etag: "" }, ["name"]))).code).toBe(Code.NOT_FOUND);
    expect((await failure(update({ ...product, productId: unknown }, ["name"]))).code).toBe(Code.NOT_FOUND);
  });
});

test("a call that is cancelled ends its statement in the database", async () => {
  const { productId } = await create(client);
  const waiting = async () => {
    const { rows } = await sql<{ n: bigint }>`select count(*) as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.queries);
    return Number(rows[0]?.n);
  };
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holder = database.queries.transaction().execute(async (transaction) => {
    await sql`select 1 from products.products where product_id = ${productId} for update`.execute(
      transaction,
    );
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const abort = new AbortController();
  const call = failure(client.deleteProduct({ productId, etag: "" }, { signal: abort.signal }));
  await expect.poll(waiting).toBe(1);
  abort.abort();
  expect((await call).code).toBe(Code.CANCELLED);
  await expect.poll(waiting).toBe(0);
  release.resolve();
  await holder;
  expect((await get(productId)).deleteTime).toBeUndefined();
});
