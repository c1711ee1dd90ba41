// Claim: calls of every kind go and end as gRPC's own interoperability tests ask: empty and large requests, ping-pong, cancellation at every
// point, custom metadata, statuses with any text, methods and services that do not exist, unknown fields, and the edges of int64.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { v7 as uuidV7 } from "uuid";
import { afterAll, expect, test } from "vitest";
import { serviceCaller } from "#harness/rpc/service-caller.ts";
import { AuthServiceDefinition } from "#proto/ecommerce/v1/auth.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import {
  BatchGetProductsRequest,
  CreateProductRequest,
  GetProductRequest,
  GetProductResponse,
  ProductServiceDefinition,
  WatchProductsRequest,
  WatchProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { Code } from "#proto/google/rpc/code.ts";
import { BadRequest, ErrorInfo } from "#proto/google/rpc/error_details.ts";
import { Status } from "#proto/google/rpc/status.ts";
import type { MetadataEntry } from "#wire/metadata.ts";
import { sharedShop } from "../shared-shop.ts";

const { known, system, token, connect } = sharedShop;
const connection = await connect();
afterAll(() => connection.close());

const SERVICE = "/ecommerce.v1.ProductService";
const PATIENCE_MS = 10_000;
const [productId = ""] = known.productId ?? [];
const bearer: MetadataEntry = ["authorization", `Bearer ${token}`];
const inventory = serviceCaller(InventoryServiceDefinition, connection, { token });

const call = (path: string, message: Uint8Array, metadata: readonly MetadataEntry[] = [bearer]) =>
  connection.call({ path, message, metadata, timeoutMs: PATIENCE_MS }, AbortSignal.timeout(PATIENCE_MS));

const openWatch = () =>
  connection.open(
    { path: `${SERVICE}/WatchProducts`, metadata: [bearer], timeoutMs: PATIENCE_MS },
    AbortSignal.timeout(PATIENCE_MS),
  );

function watchRequest($case: "subscribe" | "unsubscribe", subscriptionId: string): Uint8Array {
  const request = WatchProductsRequest.fromPartial({ action: { $case, value: { subscriptionId } } });
  return WatchProductsRequest.encode(request).finish();
}

function statusOf(trailers: readonly MetadataEntry[]): Status {
  const [, details] = trailers.find(([key]) => key === "grpc-status-details-bin") ?? [];
  return Status.decode(details as Uint8Array);
}

/** Open calls of the method in the server. */
async function openInServer(method: string): Promise<number> {
  const text = await system.metrics();
  const line = new RegExp(`^grpc_server_open_calls\\{[^}]*${method}"\\} (\\d+)$`, "m").exec(text);
  return Number(line?.[1] ?? 0);
}

test("an empty request is a request", async () => {
  const auth = serviceCaller(AuthServiceDefinition, connection);
  expect((await auth.getJwks({})).keys).not.toEqual([]);
});

test("a request of megabytes arrives whole, and one above the limit is RESOURCE_EXHAUSTED", async () => {
  const productIds = [productId];
  const large = (bytes: number): Uint8Array => {
    const request = BatchGetProductsRequest.encode(BatchGetProductsRequest.fromPartial({ productIds }));
    return request.tag(15, WireType.LengthDelimited).bytes(new Uint8Array(bytes)).finish();
  };
  expect((await call(`${SERVICE}/BatchGetProducts`, large(3_000_000))).grpcStatus).toBe(Code.OK);
  const refused = await call(`${SERVICE}/BatchGetProducts`, large(5_000_000));
  expect(refused.grpcStatus).toBe(Code.RESOURCE_EXHAUSTED);
});

test("each message of a two-way stream is answered before the next is sent", async () => {
  const watch = await openWatch();
  const answers = watch.messages[Symbol.asyncIterator]();
  for (const subscriptionId of ["a", "b", "c"]) {
    for (const [action, $case] of [
      ["subscribe", "subscribed"],
      ["unsubscribe", "unsubscribed"],
    ] as const) {
      expect(await watch.send(watchRequest(action, subscriptionId))).toBe(true);
      const { value } = await answers.next();
      expect(WatchProductsResponse.decode(value.bytes)).toMatchObject({ subscriptionId, event: { $case } });
    }
  }
  watch.end();
  expect(await answers.next()).toMatchObject({ done: true });
  expect(await watch.outcome).toMatchObject({ grpcStatus: Code.OK, failure: undefined });
});

test("a stream without messages ends well", async () => {
  const watch = await openWatch();
  watch.end();
  for await (const _ of watch.messages) expect.unreachable();
  expect(await watch.outcome).toMatchObject({ grpcStatus: Code.OK });
});

test("a call that is cancelled as soon as it has begun, or after its first answer, ends in the server too", async () => {
  const open = () => openInServer("WatchProducts");
  await expect.poll(open).toBe(0);
  const begun = await openWatch();
  await expect.poll(open).toBe(1);
  begun.cancel();
  expect((await begun.outcome).grpcStatus).toBe(Code.CANCELLED);
  await expect.poll(open).toBe(0);
  const answered = await openWatch();
  await answered.send(watchRequest("subscribe", "a"));
  for await (const _ of answered.messages) break;
  expect((await answered.outcome).grpcStatus).toBe(Code.CANCELLED);
  await expect.poll(open).toBe(0);
});

test("metadata of the caller's own may be anything that is allowed, twice and in bytes", async () => {
  const metadata: MetadataEntry[] = [
    bearer,
    ["x-custom", "a"],
    ["x-custom", "b, c"],
    ["x-custom-bin", Uint8Array.of(0, 255, 10, 171)],
    ["x-custom-bin", new Uint8Array(0)],
    ["x-empty", ""],
  ];
  const message = GetProductRequest.encode(GetProductRequest.create({ productId })).finish();
  expect((await call(`${SERVICE}/GetProduct`, message, metadata)).grpcStatus).toBe(Code.OK);
});

test("a status has its code, its text whatever letters it has, and its details", async () => {
  const unknown = uuidV7();
  const message = GetProductRequest.encode(GetProductRequest.create({ productId: unknown })).finish();
  const { grpcStatus, grpcMessage, trailerMetadata } = await call(`${SERVICE}/GetProduct`, message);
  expect(grpcStatus).toBe(Code.NOT_FOUND);
  const status = statusOf(trailerMetadata);
  expect(status).toMatchObject({ code: Code.NOT_FOUND, message: grpcMessage });
  const infos = status.details.filter(({ typeUrl }) => typeUrl.endsWith("/google.rpc.ErrorInfo"));
  expect(infos.map(({ value }) => ErrorInfo.decode(value).reason)).toEqual([expect.any(String)]);
});

const TEXTS = ["größer als 100 %", "%41 %", "日本語 🛒", "%zz", "a\u0000b"];

test.each(TEXTS)("a text comes back in a status as it was sent: %j", async (text) => {
  // A key of a map that breaks its rule is named in the text of the status.
  const product = Product.fromPartial({ sku: "a", name: "a", attributes: { [text]: "a" } });
  const request = CreateProductRequest.encode(CreateProductRequest.fromPartial({ product })).finish();
  const { grpcStatus, grpcMessage, trailerMetadata } = await call(`${SERVICE}/CreateProduct`, request);
  expect(grpcStatus).toBe(Code.INVALID_ARGUMENT);
  const status = statusOf(trailerMetadata);
  expect(grpcMessage).toBe(status.message);
  const named = status.details
    .filter(({ typeUrl }) => typeUrl.endsWith("/google.rpc.BadRequest"))
    .flatMap(({ value }) => BadRequest.decode(value).fieldViolations.map(({ field }) => field));
  expect(named).toContain(`product.attributes["${text}"]`);
});

test("a method or a service that does not exist is UNIMPLEMENTED", async () => {
  for (const path of [`${SERVICE}/NoSuchMethod`, "/no.such.Service/Get", "/ecommerce.v1.ProductService"]) {
    expect(await call(path, new Uint8Array(0)), path).toMatchObject({
      grpcStatus: Code.UNIMPLEMENTED,
      failure: undefined,
    });
  }
});

test("fields that are not known are passed over, whatever their type", async () => {
  const known = GetProductRequest.encode(GetProductRequest.create({ productId })).finish();
  const unknown = new BinaryWriter()
    .tag(1_000, WireType.Varint)
    .uint64("18446744073709551615")
    .tag(1_001, WireType.LengthDelimited)
    .string("later")
    .tag(1_002, WireType.Bit64)
    .fixed64("1")
    .tag(536_870_911, WireType.Bit32)
    .fixed32(1)
    .finish();
  const { grpcStatus, message } = await call(`${SERVICE}/GetProduct`, Buffer.concat([unknown, known]));
  expect(grpcStatus).toBe(Code.OK);
  expect(GetProductResponse.decode(message as Buffer).product?.productId).toBe(productId);
});

test("the edges of int64 arrive as they are, and are refused by their rule, not by chance", async () => {
  const edges = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 1_000_000_001n, 0n];
  for (const quantity of edges) {
    const request = { items: [{ productId, quantity }], reference: "edges", requestId: uuidV7() };
    await expect(inventory.receiveStock(request), String(quantity)).rejects.toMatchObject({
      grpcStatus: Code.INVALID_ARGUMENT,
    });
  }
  const before = (await inventory.getStock({ productId })).stock?.received ?? 0n;
  const request = {
    items: [{ productId, quantity: 1_000_000_000n }],
    reference: "edges",
    requestId: uuidV7(),
  };
  await inventory.receiveStock(request);
  expect((await inventory.getStock({ productId })).stock?.received).toBe(before + 1_000_000_000n);
});

test("amounts beyond what a double can hold are kept to the last unit", async () => {
  const price = { currencyCode: "GBP", units: 2n ** 53n + 1n, nanos: 10_000_000 };
  const products = serviceCaller(ProductServiceDefinition, connection, { token });
  const product = Product.fromPartial({ sku: uuidV7(), name: "dear", category: "edges", price });
  const made = await products.createProduct(CreateProductRequest.fromPartial({ product }));
  expect(made.product?.price).toEqual(price);
  const found = await products.getProduct(
    GetProductRequest.create({ productId: made.product?.productId ?? "" }),
  );
  expect(found.product?.price).toEqual(price);
});
