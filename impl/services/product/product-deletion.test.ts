import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import { ProductState } from "#proto/ecommerce/v1/product.ts";
import { create, productFixture } from "./testing/product-fixture.ts";

const { client } = await productFixture();
const unknown = randomUUID();
const remove = (productId: string, etag = "") => client.deleteProduct({ productId, etag });
const get = async (productId: string) =>
  present((await client.getProduct({ productId, readMask: undefined })).product);

test("a deleted product is found by id and says when it was deleted; a repeat changes nothing", async () => {
  const { productId, etag } = await create(client);
  const { product } = await remove(productId, etag);
  expect(product).toMatchObject({
    state: ProductState.PRODUCT_STATE_DELETED,
    deleteTime: expect.any(Date),
  });
  expect(await get(productId)).toEqual(product);
  expect(await remove(productId, etag)).toEqual({ product });
});

test("a stale etag is ABORTED, an unknown product NOT_FOUND", async () => {
  const { productId } = await create(client);
  expect(await failure(remove(productId, "stale"))).toMatchObject({
    code: Code.ABORTED,
    reason: "ETAG_MISMATCH",
  });
  expect((await failure(remove(unknown))).code).toBe(Code.NOT_FOUND);
  expect((await failure(client.undeleteProduct({ productId: unknown }))).code).toBe(Code.NOT_FOUND);
});

test("undelete puts it back, and has no effect on one that is not deleted", async () => {
  const { productId } = await create(client);
  await remove(productId);
  const { product } = await client.undeleteProduct({ productId });
  expect(product).toMatchObject({ state: ProductState.PRODUCT_STATE_ACTIVE, deleteTime: undefined });
  expect(await client.undeleteProduct({ productId })).toEqual({ product });
});

test("undelete is refused when the SKU has been taken since", async () => {
  const { productId, sku } = await create(client);
  await remove(productId);
  await create(client, { sku });
  const error = await failure(client.undeleteProduct({ productId }));
  expect(error.code).toBe(Code.ALREADY_EXISTS);
  expect(error.details.resourceInfo?.resourceName).toBe(sku);
});
