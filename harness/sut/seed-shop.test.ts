import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { Product } from "#proto/ecommerce/v1/product.ts";
import {
  BatchGetProductsRequest,
  BatchGetProductsResponse,
  ImportProductsRequest,
  ImportProductsResponse,
} from "#proto/ecommerce/v1/product_service.ts";
import { CreateUserRequest, CreateUserResponse, User } from "#proto/ecommerce/v1/user.ts";
import { connect } from "#wire/client.ts";
import { SeedError, seedShop } from "./seed-shop.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

describe("seeding a shop", () => {
  it("imports products by one stream, creates customers, and knows their ids", async () => {
    const { shop, port } = await fakeShop();
    const seeded = await seed(port, {
      products: Array.from({ length: 450 }, (_, i) => Product.create({ sku: `SKU-${i}`, name: "thing" })),
      customers: Array.from({ length: 70 }, (_, i) => User.create({ email: `c${i}@example.com` })),
    });
    expect(seeded.refused).toEqual([]);
    expect(seeded.productIds.get("SKU-449")).toBe("id of SKU-449");
    expect(seeded.userIds.get("c69@example.com")).toBe("id of c69@example.com");
    expect(seeded.productIds.size + seeded.userIds.size).toBe(520);
    expect(shop.authorizations).toEqual(new Set(["Bearer token"]));
    expect(shop.mostAtOnce).toBeLessThanOrEqual(8);
  });

  it("counts what is refused by reason, and goes on", async () => {
    const { port } = await fakeShop();
    const seeded = await seed(port, {
      products: [
        Product.create({ sku: "bad" }),
        Product.create({ sku: "bad2" }),
        Product.create({ sku: "OK" }),
      ],
      customers: [User.create({ email: "taken@example.com" }), User.create({ email: "new@example.com" })],
    });
    expect(seeded.refused).toEqual([
      { reason: "product INVALID_ROW product.name", count: 2 },
      { reason: `customer refused with status ${status.ALREADY_EXISTS}: e-mail taken`, count: 1 },
    ]);
    expect([...seeded.productIds.keys()]).toEqual(["OK"]);
    expect([...seeded.userIds.keys()]).toEqual(["new@example.com"]);
  });

  it("fails as a whole when the import is denied", async () => {
    const { port } = await fakeShop({ denied: true });
    const failed = seed(port, { products: [Product.create({ sku: "A" })], customers: [] });
    await expect(failed).rejects.toBeInstanceOf(SeedError);
    await expect(failed).rejects.toMatchObject({ grpcStatus: status.PERMISSION_DENIED });
  });
});

async function seed(port: number, shop: { products: Product[]; customers: User[] }) {
  const connection = await connect({ host: "127.0.0.1", port });
  try {
    return await seedShop({ connection, token: "token", shop, concurrency: 8 });
  } finally {
    await connection.close();
  }
}

/** Refuses SKUs that begin with "bad" and addresses that begin with "taken". */
async function fakeShop({ denied = false } = {}) {
  const shop = { skus: new Set<string>(), authorizations: new Set<string>(), mostAtOnce: 0 };
  let open = 0;
  const server = new Server();
  servers.push(server);
  const raw = <T>(path: string, requestStream: boolean, request: { decode(bytes: Uint8Array): T }) => ({
    path,
    requestStream,
    responseStream: false,
    requestDeserialize: (bytes: Buffer): T => request.decode(bytes),
    requestSerialize: (): Buffer => Buffer.alloc(0),
    responseSerialize: (bytes: Uint8Array): Buffer => Buffer.from(bytes),
    responseDeserialize: (bytes: Buffer): Uint8Array => bytes,
  });
  server.addService(
    { importProducts: raw("/ecommerce.v1.ProductService/ImportProducts", true, ImportProductsRequest) },
    {
      importProducts: (
        call: import("@grpc/grpc-js").ServerReadableStream<ImportProductsRequest, Uint8Array>,
        done: Done,
      ) => {
        shop.authorizations.add(String(call.metadata.get("authorization")[0]));
        if (denied) return done({ code: status.PERMISSION_DENIED, details: "no" });
        const errors: ImportProductsResponse["errors"] = [];
        call.on("data", ({ part }: ImportProductsRequest) => {
          if (part?.$case !== "row") return;
          const sku = part.value.product?.sku ?? "";
          if (!sku.startsWith("bad")) shop.skus.add(sku);
          else
            errors.push({
              position: 0n,
              rowNumber: part.value.rowNumber,
              reason: "INVALID_ROW",
              field: "product.name",
              message: "",
            });
        });
        call.on("end", () =>
          done(
            null,
            ImportProductsResponse.encode(
              ImportProductsResponse.create({ errors, rejectedCount: BigInt(errors.length) }),
            ).finish(),
          ),
        );
      },
    },
  );
  server.addService(
    {
      batchGetProducts: raw("/ecommerce.v1.ProductService/BatchGetProducts", false, BatchGetProductsRequest),
    },
    {
      batchGetProducts: (call: { request: BatchGetProductsRequest }, done: Done) => {
        const results = call.request.skus
          .filter((sku) => shop.skus.has(sku))
          .map((sku) => ({
            requested: undefined,
            result: { $case: "product" as const, value: Product.create({ sku, productId: `id of ${sku}` }) },
          }));
        done(
          null,
          BatchGetProductsResponse.encode(BatchGetProductsResponse.fromPartial({ results })).finish(),
        );
      },
    },
  );
  server.addService(
    { createUser: raw("/ecommerce.v1.UserService/CreateUser", false, CreateUserRequest) },
    {
      createUser: async (call: { request: CreateUserRequest }, done: Done) => {
        shop.mostAtOnce = Math.max(shop.mostAtOnce, ++open);
        await Promise.resolve();
        open--;
        const email = call.request.user?.email ?? "";
        if (email.startsWith("taken")) return done({ code: status.ALREADY_EXISTS, details: "e-mail taken" });
        done(
          null,
          CreateUserResponse.encode(
            CreateUserResponse.create({ user: User.create({ email, userId: `id of ${email}` }) }),
          ).finish(),
        );
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { shop, port };
}

type Done = (error: { code: number; details: string } | null, value?: Uint8Array) => void;
