import { afterAll, expect, test } from "vitest";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import {
  GetProductResponse,
  ProductServiceDefinition,
  StreamProductUpdatesResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { connectShop, follow, priceOf, pricesOf } from "./testing/example.ts";

const tokens: Array<string | undefined> = [];
const server = await startTestServer({
  schema: ecommerceSchema(),
  services: [
    implement(ProductServiceDefinition, {
      getProduct({ productId }, call) {
        tokens.push(call.metadata.get("authorization"));
        if (productId !== "lamp") throw notFound("ecommerce.v1.Product", productId);
        return GetProductResponse.fromPartial({ product: { price: { units: 12n, currencyCode: "GBP" } } });
      },
      async *streamProductUpdates({ resumeToken }) {
        yield StreamProductUpdatesResponse.fromPartial({ resumeToken: `${resumeToken}+` });
      },
    }),
  ],
});
server.health.set("", "SERVING");
const client = connectShop(
  [server.address],
  () => "t1",
  () => {},
);
afterAll(async () => {
  await client.close();
  await server.drain();
});

test("the examples of the page of the client do what it says", async () => {
  expect(await priceOf(client, "lamp")).toBe("12 GBP");
  expect(tokens).toEqual(["Bearer t1"]);
  expect(await pricesOf(client, ["lamp", "sofa"])).toEqual(["12 GBP", "not sold here"]);
  const seen: string[] = [];
  await follow(client, new AbortController().signal, (token) => seen.push(token));
  expect(seen).toEqual(["+"]);
});
