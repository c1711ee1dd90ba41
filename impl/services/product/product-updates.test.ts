import { createHash } from "node:crypto";
import { sql } from "kysely";
import { describe, expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Product } from "#proto/ecommerce/v1/product.ts";
import type { ImportProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { ProductUpdateKind } from "./product-events.ts";
import { create, draft, pounds, productFixture } from "./testing/product-fixture.ts";
import { filtered, followUpdates, told } from "./testing/update-stream.ts";

const fixture = await productFixture();
const { client, database, events, server } = fixture;
const follow = (request = {}) => followUpdates(fixture, request);

async function update(product: Product, changes: Partial<Product>): Promise<Product> {
  const answer = await client.updateProduct({
    product: { ...product, ...changes, etag: "" },
    updateMask: ["*"],
    requestId: "",
  });
  return present(answer.product);
}
const remove = async ({ productId }: Product) =>
  (await client.deleteProduct({ productId, etag: "" })).product;

async function upload(productId: string) {
  const content = Buffer.from(`a picture ${newId()}`);
  const sha256 = createHash("sha256").update(content).digest();
  const sizeBytes = BigInt(content.length);
  const header = { productId, contentType: "image/png", sizeBytes, sha256, altText: "" };
  await client.uploadProductImage([
    { part: { $case: "header", value: header } },
    { part: { $case: "chunk", value: content } },
  ]);
}

describe("StreamProductUpdates", () => {
  test("tells of every change with the product after it, as the caller of the change saw it", async () => {
    await using stream = await follow();
    const lamp = await create(client, { name: "Lamp" });
    const dearer = await update(lamp, { price: pounds(1_300n), category: "home/lighting" });
    await upload(lamp.productId);
    const deleted = await remove(dearer);
    await remove(dearer);
    const { product: back } = await client.undeleteProduct(lamp);
    const updates = await stream.updates(5);
    const kinds = ["CREATED", "UPDATED", "UPDATED", "DELETED", "CREATED"];
    expect(updates.map(told)).toEqual(kinds.map((kind) => `${kind} Lamp`));
    const [created, changed, pictured, gone, undeleted] = updates;
    expect(created).toEqual({
      kind: ProductUpdateKind.PRODUCT_UPDATE_KIND_CREATED,
      product: lamp,
      changedFields: undefined,
      eventTime: lamp.createTime,
      previousCategory: "",
      previousPrice: undefined,
    });
    expect(changed).toMatchObject({
      product: dearer,
      changedFields: ["category", "price"],
      eventTime: dearer.updateTime,
      previousPrice: lamp.price,
    });
    expect(pictured).toMatchObject({
      changedFields: ["images"],
      product: { images: [{ contentType: "image/png" }] },
    });
    expect(gone?.product).toEqual(deleted);
    expect(undeleted?.product).toEqual(back);
  });

  test("tells of what an import changed, and of nothing else", async () => {
    const known = await create(client, { name: "Known" });
    const same = await create(client, { name: "Same" });
    await using stream = await follow();
    const rows = [draft({ name: "New" }), { ...known, description: "imported" }, same].map(
      (product): ImportProductsRequest => ({ part: { $case: "row", value: { rowNumber: 0n, product } } }),
    );
    await client.importProducts(rows);
    await create(client, { name: "Afterwards" });
    const updates = await stream.updates(3);
    expect(updates.map(told).toSorted()).toEqual(["CREATED Afterwards", "CREATED New", "UPDATED Known"]);
    expect(updates.find((each) => told(each) === "UPDATED Known")).toMatchObject({
      changedFields: ["description"],
      product: { productId: known.productId, description: "imported" },
    });
  });

  test("tells once of a call that is repeated, and not of one that is refused", async () => {
    await using stream = await follow();
    const request = { product: draft({ name: "Once" }), requestId: newId() };
    const { product } = await client.createProduct(request);
    await client.createProduct(request);
    expect((await failure(create(client, { sku: present(product).sku }))).code).toBe(Code.ALREADY_EXISTS);
    expect((await failure(client.deleteProduct({ ...present(product), etag: "old" }))).code).toBe(
      Code.ABORTED,
    );
    await create(client, { name: "Afterwards" });
    expect((await stream.updates(2)).map(told)).toEqual(["CREATED Once", "CREATED Afterwards"]);
  });

  test("tells of concurrent changes of a product in the order in which they were made", async () => {
    const product = await create(client);
    await using stream = await follow(filtered({ productIds: [product.productId] }));
    const changing = Array.from({ length: 30 }, (_, n) => update(product, { name: `name ${n}` }));
    const versions = (await Promise.all(changing)).map(({ etag }) => etag);
    const seen = (await stream.updates(30)).map((each) => each.product?.etag);
    expect(seen.toSorted()).toEqual(versions.toSorted());
    const last = await client.getProduct({ productId: product.productId, readMask: undefined });
    expect(seen.at(-1)).toBe(last.product?.etag);
    const { rows } = await sql<{ text: string }>`select version::text as text from products.products
      where product_id = ${product.productId}`.execute(database.queries);
    expect(rows).toEqual([{ text: "31" }]);
  });

  test("cut after any of its messages goes on with the next", async () => {
    await using whole = await follow();
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const name of names) await create(client, { name });
    for (let cut = 0; cut < names.length; cut++) {
      const { resumeToken } = await whole.next();
      await using rest = await follow({ resumeToken });
      const expected = names.slice(cut + 1).map((name) => `CREATED ${name}`);
      expect((await rest.updates(expected.length)).map(told)).toEqual(expected);
    }
  });
});

describe("a filter", () => {
  const cheap = { min: undefined, max: pounds(1_000n) };

  test("by category follows what is in it or below, and tells when a product leaves", async () => {
    await using stream = await follow(filtered({ category: "home/lighting" }));
    const lamp = await create(client, { name: "lamp", category: "home/lighting/desk" });
    await create(client, { name: "not", category: "home/lighting-old" });
    const moved = await update(lamp, { category: "garden" });
    await update(moved, { name: "unseen" });
    await update(moved, { name: "back", category: "home/lighting" });
    const updates = await stream.updates(3);
    expect(updates.map(told)).toEqual(["CREATED lamp", "LEFT_FILTER lamp", "UPDATED back"]);
    expect(updates[1]).toMatchObject({
      changedFields: ["category"],
      previousCategory: "home/lighting/desk",
      product: { category: "garden" },
    });
  });

  test("by price follows what costs that, in its currency", async () => {
    await using stream = await follow(filtered({ priceRange: cheap }));
    const lamp = await create(client, { name: "lamp", price: pounds(1_000n) });
    await create(client, { name: "dear", price: pounds(1_001n) });
    await create(client, { name: "foreign", price: { ...pounds(500n), currencyCode: "EUR" } });
    await update(lamp, { price: pounds(1_001n) });
    const updates = await stream.updates(2);
    expect(updates.map(told)).toEqual(["CREATED lamp", "LEFT_FILTER lamp"]);
    expect(updates[1]?.previousPrice).toEqual(pounds(1_000n));
  });

  test("by id follows these products, however their ids are written", async () => {
    const [one, other] = [await create(client, { name: "one" }), await create(client, { name: "other" })];
    await using stream = await follow(
      filtered({ productIds: [one.productId.toUpperCase()], category: "home" }),
    );
    await update(other, { category: "home" });
    await update(one, { name: "elsewhere" });
    await update(one, { category: "home" });
    await remove(one);
    expect((await stream.updates(2)).map(told)).toEqual(["UPDATED one", "DELETED one"]);
  });

  test("with an amount that cannot be is refused, and so is a token of another filter", async () => {
    const half = { currencyCode: "GBP", units: 0n, nanos: 5_000_000 };
    const inexact = await follow(filtered({ priceRange: { min: half, max: undefined } }));
    expect(violations(await failure(inexact.next()))).toEqual(["filter.price_range.min: money.precision"]);
    await using stream = await follow(filtered({ category: "home" }));
    const resumeToken = present(stream.call.resumeToken);
    const other = await follow({ ...filtered({ category: "garden" }), resumeToken });
    expect(violations(await failure(other.next()))).toEqual(["resume_token: token.invalid"]);
  });
});

test("a token whose events are gone gets one of the products that match now, and of what follows", async () => {
  const category = "snapshot/now";
  await using stream = await follow(filtered({ category }));
  const resumeToken = present(stream.call.resumeToken);
  const [kept] = [await create(client, { name: "kept", category }), await create(client, { name: "other" })];
  await remove(await create(client, { name: "deleted", category }));
  const head = await events.head();
  await create(client, { name: "fresh", category });
  await sql`delete from products.outbox where position <= ${head}`.execute(database.queries);
  await sql`update products.outbox_head set purged_through = ${head}`.execute(database.queries);
  // Another process, with nothing in memory.
  const restarted = await productFixture({ database });
  const expired = await followUpdates(restarted, { ...filtered({ category }), resumeToken });
  const error = await failure(expired.next());
  expect(error).toMatchObject({ code: Code.OUT_OF_RANGE, reason: "RESUME_TOKEN_EXPIRED" });
  const token = present(error.details.resumeExpired).snapshotToken;
  await using begun = await followUpdates(restarted, { ...filtered({ category }), resumeToken: token });
  const snapshot = await begun.updates(2);
  expect(snapshot.map(told)).toEqual(["SNAPSHOT kept", "SNAPSHOT fresh"]);
  expect(snapshot[0]?.product).toEqual(kept);
  await create(client, { name: "next", category });
  expect((await begun.updates(1)).map(told)).toEqual(["CREATED next"]);
  expect(server.log.filter(({ level }) => level === "error")).toEqual([]);
});
