import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Product } from "#proto/ecommerce/v1/product.ts";
import { ImportMode, type ImportProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { create, draft, pounds, productFixture, searching } from "./testing/product-fixture.ts";

const limits = { batchRows: 4, listedErrors: 6, skus: 40 };
const { client, database } = await productFixture({ importLimits: limits });

const row = (product: Product | undefined, rowNumber = 0n): ImportProductsRequest => ({
  part: { $case: "row", value: { rowNumber, product } },
});
const header = (mode: ImportMode): ImportProductsRequest => ({ part: { $case: "header", value: { mode } } });
const drafts = (count: number, changes: Partial<Product> = {}) =>
  Array.from({ length: count }, () => draft(changes));
const bySku = async (skus: readonly string[]) => {
  const { results } = await client.batchGetProducts({ productIds: [], skus: [...skus], readMask: undefined });
  return results.map(({ result }) => (result?.$case === "product" ? result.value : undefined));
};
const { IMPORT_MODE_CREATE_ONLY, IMPORT_MODE_UPSERT } = ImportMode;

describe("an import", () => {
  test("adds, changes and leaves products, over several batches, and a repeat changes nothing", async () => {
    const known = await create(client, { name: "Old", description: "Old" });
    const same = draft();
    await client.importProducts([row(same)]);
    const products = [...drafts(9), draft({ sku: known.sku, name: "New" }), same];
    const counts = { receivedCount: 11n, rejectedCount: 0n, errors: [] };
    const answer = await client.importProducts(products.map((product) => row(product)));
    expect(answer).toEqual({ ...counts, createdCount: 9n, updatedCount: 1n, unchangedCount: 1n });
    const [changed, ...others] = await bySku([known.sku, ...products.map(({ sku }) => sku).slice(0, 9)]);
    expect(changed).toMatchObject({
      productId: known.productId,
      name: "New",
      description: "",
      createTime: known.createTime,
    });
    expect(changed?.etag).not.toBe(known.etag);
    expect(others.every((product) => product?.name === "Desk lamp")).toBe(true);
    const repeat = await client.importProducts(products.map((product) => row(product)));
    expect(repeat).toEqual({ ...counts, createdCount: 0n, updatedCount: 0n, unchangedCount: 11n });
    expect(await bySku([known.sku])).toEqual([changed]);
  });

  test("rejects rows alone, in the order of the stream, with their numbers and fields", async () => {
    const [a, b, c] = [draft(), draft(), draft()];
    const answer = await client.importProducts([
      header(IMPORT_MODE_UPSERT),
      row(a, 10n),
      row(undefined, 11n),
      row(draft({ price: { ...pounds(1n), nanos: 5 } }), 12n),
      row(b, 13n),
      row({ ...a, name: "Again" }, 14n),
      row(draft({ category: "Not A Path" }), 15n),
      row(draft({ name: "NUL \0" }), 16n),
      row(c, 17n),
    ]);
    expect(answer).toMatchObject({ receivedCount: 8n, createdCount: 3n, rejectedCount: 5n });
    const errors = answer.errors.map(({ position, rowNumber, reason, field }) => [
      position,
      rowNumber,
      reason,
      field,
    ]);
    expect(errors).toEqual([
      [1n, 11n, "INVALID_ROW", "product"],
      [2n, 12n, "INVALID_ROW", "product.price"],
      [4n, 14n, "SKU_REPEATED", "product.sku"],
      [5n, 15n, "INVALID_ROW", "product.category"],
      [6n, 16n, "INVALID_ROW", "product.name"],
    ]);
    expect((await bySku([a.sku, b.sku, c.sku])).map((product) => product?.name)).toEqual(
      Array(3).fill("Desk lamp"),
    );
  });

  test("rejects a known SKU when it may only create", async () => {
    const known = await create(client, { name: "Old" });
    const news = drafts(5);
    const rows = [...news.slice(0, 2), draft({ sku: known.sku }), ...news.slice(2), draft({ sku: "" })];
    const answer = await client.importProducts([
      header(IMPORT_MODE_CREATE_ONLY),
      ...rows.map((product) => row(product)),
    ]);
    expect(answer).toMatchObject({
      createdCount: 5n,
      updatedCount: 0n,
      unchangedCount: 0n,
      rejectedCount: 2n,
    });
    expect(answer.errors).toMatchObject([
      { position: 2n, reason: "SKU_EXISTS", field: "product.sku" },
      { position: 6n, reason: "INVALID_ROW" },
    ]);
    expect((await bySku([known.sku]))[0]?.name).toBe("Old");
  });

  test("adds a SKU anew whose product is deleted, and one whose earlier row was rejected", async () => {
    const gone = await create(client);
    await client.deleteProduct({ productId: gone.productId, etag: "" });
    const late = draft();
    const rows = [row(draft({ sku: gone.sku })), row({ ...late, name: "" }), row(late)];
    expect(await client.importProducts(rows)).toMatchObject({ createdCount: 2n, rejectedCount: 1n });
    expect((await bySku([gone.sku]))[0]?.productId).not.toBe(gone.productId);
  });

  test("counts every error and lists the first, each of a bounded size", async () => {
    const attributes = { ["k".repeat(100_000)]: "v" };
    const answer = await client.importProducts(drafts(20, { attributes }).map((product) => row(product)));
    expect(answer).toMatchObject({ receivedCount: 20n, rejectedCount: 20n });
    expect(answer.errors.map(({ position }) => position)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    for (const { field } of answer.errors) expect(field.length).toBeLessThanOrEqual(64);
  });

  test("of nothing, or of a header alone, does nothing", async () => {
    const nothing = { receivedCount: 0n, createdCount: 0n, rejectedCount: 0n };
    expect(await client.importProducts([])).toMatchObject(nothing);
    expect(await client.importProducts([header(IMPORT_MODE_UPSERT)])).toMatchObject(nothing);
  });

  test("refuses a header that is not first, and a message without a part", async () => {
    const late = await failure(client.importProducts([row(draft()), header(IMPORT_MODE_UPSERT)]));
    expect(late.code).toBe(Code.INVALID_ARGUMENT);
    expect(violations(late)).toEqual(["header: stream.order"]);
    expect((await failure(client.importProducts([{ part: undefined }]))).code).toBe(Code.INVALID_ARGUMENT);
  });

  test("refuses more SKUs than it can remember, and keeps the batches before", async () => {
    const products = drafts(limits.skus + 1);
    const error = await failure(client.importProducts(products.map((product) => row(product))));
    expect(error).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "IMPORT_TOO_LARGE" });
    expect((await bySku([present(products[0]).sku]))[0]).toBeDefined();
  });

  test("at the same time as others of the same SKUs, in other orders, neither deadlocks nor loses a row", async () => {
    const products = drafts(12);
    const orders = [
      products,
      products.toReversed(),
      products.toSorted((a, b) => a.name.localeCompare(b.name)),
    ];
    const answers = await Promise.all(
      orders.map((order, n) =>
        client.importProducts(order.map((product) => row({ ...product, name: `By ${n}` }))),
      ),
    );
    expect(answers.reduce((sum, { createdCount }) => sum + createdCount, 0n)).toBe(12n);
    for (const answer of answers) expect(answer).toMatchObject({ receivedCount: 12n, rejectedCount: 0n });
  });

  test("that is cancelled keeps the batches that were stored, and stores no more", async () => {
    const products = drafts(10);
    const abort = new AbortController();
    async function* rows() {
      for (const product of products.slice(0, 6)) yield row(product);
      await expect.poll(async () => (await bySku([present(products[3]).sku]))[0]).toBeDefined();
      abort.abort();
      for (const product of products.slice(6)) yield row(product);
    }
    expect((await failure(client.importProducts(rows(), { signal: abort.signal }))).code).toBe(
      Code.CANCELLED,
    );
    const found = await bySku(products.map(({ sku }) => sku));
    expect(found.map((product) => product !== undefined)).toEqual([
      ...Array(4).fill(true),
      ...Array(6).fill(false),
    ]);
  });

  test("holds no connection while it waits for its caller", async () => {
    const waiting = Promise.withResolvers<void>();
    async function* rows() {
      for (const product of drafts(limits.batchRows)) yield row(product);
      await expect.poll(() => database.load().busy).toBe(0);
      waiting.resolve();
      yield row(draft());
    }
    const call = client.importProducts(rows());
    await waiting.promise;
    expect(await call).toMatchObject({ createdCount: 5n });
  });

  test("is searchable at once", async () => {
    const word = `w${randomUUID().slice(0, 8)}`;
    await client.importProducts([row(draft({ name: word }))]);
    expect((await client.searchProducts(searching({ query: word }))).products).toHaveLength(1);
  });
});
