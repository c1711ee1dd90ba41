// Fills a fresh system with a shop through its public API: the catalogue by one import stream, the customers by CreateUser.
// What the system refuses is counted by reason and is not fatal; a connection that breaks or a call that is denied is.

import type { Product } from "#proto/ecommerce/v1/product.ts";
import {
  BatchGetProductsRequest,
  BatchGetProductsResponse,
  ImportMode,
  ImportProductsRequest,
  ImportProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { CreateUserRequest, CreateUserResponse, type User } from "#proto/ecommerce/v1/user.ts";
import type { WireConnection } from "#wire/connection.ts";
import { GrpcStatus } from "#wire/grpc-status.ts";
import type { MetadataEntry } from "#wire/metadata.ts";

export interface Catalogue {
  readonly products: readonly Product[];
  readonly customers: readonly User[];
}

export interface SeededShop {
  /** By SKU; a product that was refused is not in it. */
  readonly productIds: ReadonlyMap<string, string>;
  /** By e-mail address as it was given. */
  readonly userIds: ReadonlyMap<string, string>;
  /** What the system refused, by reason, most frequent first. */
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
}

export interface SeedOptions {
  readonly connection: WireConnection;
  /** Of a caller with products.write and users.read. */
  readonly token: string;
  readonly shop: Catalogue;
  /** CreateUser calls in flight, default 32. */
  readonly concurrency?: number;
}

export class SeedError extends Error {
  readonly grpcStatus: number;

  constructor(method: string, grpcStatus: number, message: string | undefined) {
    super(`${method} failed with status ${grpcStatus}: ${message ?? "no message"}`);
    this.name = "SeedError";
    this.grpcStatus = grpcStatus;
  }
}

/** Fails with SeedError when a call fails as a whole. */
export async function seedShop(options: SeedOptions): Promise<SeededShop> {
  const { connection, shop, concurrency = 32 } = options;
  const metadata: MetadataEntry[] = [["authorization", `Bearer ${options.token}`]];
  const refused = new Map<string, number>();
  const refuse = (reason: string, count = 1) => refused.set(reason, (refused.get(reason) ?? 0) + count);

  await importProducts(connection, metadata, shop.products, refuse);
  const productIds = await findIds(connection, metadata, shop.products);
  const userIds = await createUsers(connection, metadata, shop.customers, concurrency, refuse);
  return {
    productIds,
    userIds,
    refused: [...refused].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
  };
}

type Refuse = (reason: string, count?: number) => void;

async function importProducts(
  connection: WireConnection,
  metadata: MetadataEntry[],
  products: readonly Product[],
  refuse: Refuse,
): Promise<void> {
  const stream = await connection.open({ path: "/ecommerce.v1.ProductService/ImportProducts", metadata });
  const send = (part: ImportProductsRequest["part"]) =>
    stream.send(ImportProductsRequest.encode(ImportProductsRequest.create({ part })).finish());
  const answer = firstMessage(stream.messages);
  await send({ $case: "header", value: { mode: ImportMode.IMPORT_MODE_UPSERT } });
  for (const [i, product] of products.entries()) {
    if (!(await send({ $case: "row", value: { rowNumber: BigInt(i + 1), product } }))) break;
  }
  stream.end();
  const outcome = await stream.outcome;
  const bytes = await answer;
  if (outcome.grpcStatus !== GrpcStatus.OK || !bytes) {
    throw new SeedError("ImportProducts", outcome.grpcStatus, outcome.grpcMessage);
  }
  const { errors, rejectedCount } = ImportProductsResponse.decode(bytes);
  for (const error of errors) refuse(`product ${error.reason} ${error.field}`.trimEnd());
  if (Number(rejectedCount) > errors.length)
    refuse("product, reason not listed", Number(rejectedCount) - errors.length);
}

async function firstMessage(
  messages: AsyncIterable<{ bytes: Buffer | undefined }>,
): Promise<Buffer | undefined> {
  let first: Buffer | undefined;
  for await (const message of messages) first ??= message.bytes;
  return first;
}

const batchSize = 200;

async function findIds(
  connection: WireConnection,
  metadata: MetadataEntry[],
  products: readonly Product[],
): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const skus = [...new Set(products.map((product) => product.sku))];
  for (let from = 0; from < skus.length; from += batchSize) {
    const request = BatchGetProductsRequest.create({
      skus: skus.slice(from, from + batchSize),
      readMask: ["product_id", "sku"],
    });
    const result = await connection.call({
      path: "/ecommerce.v1.ProductService/BatchGetProducts",
      metadata,
      message: BatchGetProductsRequest.encode(request).finish(),
    });
    if (result.grpcStatus !== GrpcStatus.OK || !result.message) {
      throw new SeedError("BatchGetProducts", result.grpcStatus, result.grpcMessage);
    }
    for (const { result: found } of BatchGetProductsResponse.decode(result.message).results) {
      if (found?.$case === "product") ids.set(found.value.sku, found.value.productId);
    }
  }
  return ids;
}

async function createUsers(
  connection: WireConnection,
  metadata: MetadataEntry[],
  customers: readonly User[],
  concurrency: number,
  refuse: Refuse,
): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const waiting = customers.values();
  const work = async (): Promise<void> => {
    for (const user of waiting) {
      const result = await connection.call({
        path: "/ecommerce.v1.UserService/CreateUser",
        metadata,
        message: CreateUserRequest.encode(CreateUserRequest.create({ user })).finish(),
      });
      if (result.failure) throw new SeedError("CreateUser", result.grpcStatus, result.grpcMessage);
      if (result.grpcStatus === GrpcStatus.OK && result.message) {
        ids.set(user.email, CreateUserResponse.decode(result.message).user?.userId ?? "");
      } else
        refuse(`customer refused with status ${result.grpcStatus}: ${result.grpcMessage ?? "no message"}`);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return ids;
}
