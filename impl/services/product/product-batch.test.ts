import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import type { BatchGetProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { create, productFixture } from "./testing/product-fixture.ts";

const { client } = await productFixture();
const unknown = randomUUID();

describe("BatchGetProducts", () => {
  const batch = (request: Partial<BatchGetProductsRequest>) =>
    client.batchGetProducts({ productIds: [], skus: [], readMask: undefined, ...request });

  test("answers ids, then SKUs, in the order of the request, with an error for each that is missing", async () => {
    const [a, b, c] = [await create(client), await create(client), await create(client)];
    await client.deleteProduct({ productId: c.productId, etag: "" });
    const productIds = [c.productId, unknown, b.productId.toUpperCase(), a.productId];
    const { results } = await batch({ productIds, skus: [b.sku, c.sku, a.sku], readMask: ["product_id"] });
    expect(results.map(({ key }) => key?.value)).toEqual([...productIds, b.sku, c.sku, a.sku]);
    const ids = results.map(({ result }) =>
      result?.$case === "product" ? result.value.productId : undefined,
    );
    const [idA, idB, idC] = [a.productId, b.productId, c.productId];
    expect(ids).toEqual([idC, undefined, idB, idA, idB, undefined, idA]);
    expect(results[1]?.result).toMatchObject({ $case: "error", value: { code: Code.NOT_FOUND } });
    expect(results[0]?.result).toMatchObject({ value: { name: "", sku: "" } });
  });

  test("refuses nothing, more than 200, and the same twice", async () => {
    const many = Array.from({ length: 201 }, () => randomUUID());
    for (const productIds of [[], many, [unknown, unknown]]) {
      expect((await failure(batch({ productIds }))).code).toBe(Code.INVALID_ARGUMENT);
    }
  });
});
