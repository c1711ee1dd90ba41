// A product service on a database and an image folder of its own, called over the wire, behind the checks of field rules that
// it relies on.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { validate } from "#impl/middleware/validate.ts";
import type { Call } from "#impl/runtime/call.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLogOptions } from "#impl/storage/events/create-event-log.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import { ProductServiceDefinition, SearchProductsRequest } from "#proto/ecommerce/v1/product_service.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { type FileSystem, openImageFiles } from "../image-files.ts";
import type { ImportLimits } from "../product-import.ts";
import { createProductService } from "../product-service.ts";
import { createProductStore } from "../product-store.ts";
import { type ProductTables, productsSchema } from "../product-tables.ts";

export interface ProductFixture {
  readonly client: ClientOf<ProductServiceDefinition>;
  readonly database: TestDatabase<ProductTables>;
  readonly server: TestServer;
  readonly imageFolder: string;
  readonly events: EventLog;
  /** Every call that has come, in the order of their coming. */
  readonly calls: readonly Call[];
}

export interface ProductFixtureOptions {
  readonly importLimits?: Partial<ImportLimits>;
  readonly files?: FileSystem;
  readonly events?: Partial<EventLogOptions>;
  /** The time of calls. Default the system's. */
  readonly callClock?: Clock;
  /** Of another fixture, as if by another process. Default one of its own. */
  readonly database?: TestDatabase<ProductTables>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function productFixture(options: ProductFixtureOptions = {}): Promise<ProductFixture> {
  const { files, importLimits = {} } = options;
  const database = options.database ?? (await testDatabase<ProductTables>({ migrations: [productsSchema] }));
  const events = await testEventLog(database, productsSchema.schema, options.events);
  const imageFolder = await mkdtemp(join(tmpdir(), "product-images-"));
  const schema = ecommerceSchema();
  const clock = systemClock;
  const service = createProductService({
    store: createProductStore(database.typed<unknown>(), { clock, events }),
    events,
    schema,
    newId,
    tokens: createPageTokens({ key: new Uint8Array(32).fill(1), clock }),
    imageFiles: await openImageFiles({
      folder: imageFolder,
      newId,
      clock,
      ...(files === undefined ? {} : { files }),
    }),
    importLimits,
  });
  const calls: Call[] = [];
  const ours = [...schema.methods].filter(([path]) => path.includes("ProductService"));
  const server = await startTestServer({
    schema,
    services: [service],
    links: [noting(calls), validate({ ...schema, methods: new Map(ours) })],
    translators: [storageToRpcError],
    clock: options.callClock ?? clock,
  });
  const channel = new Client(server.address, credentials.createInsecure());
  afterAll(async () => {
    channel.close();
    await server.drain();
    await rm(imageFolder, { recursive: true, force: true });
  });
  const client = createClient(ProductServiceDefinition, { channel, schema, clock });
  return { client, database, server, imageFolder, events, calls };
}

const noting =
  (calls: Call[]): Link =>
  (_, next) =>
  (call, input) => {
    calls.push(call);
    return next(call, input);
  };

/** A product as a caller writes it; the SKU is new each time. */
export function draft(changes: Partial<Product> = {}): Product {
  return Product.fromPartial({
    sku: `SKU-${newId()}`,
    name: "Desk lamp",
    price: pounds(1_250n),
    ...changes,
  });
}

/** An amount in pence. */
export function pounds(pence: bigint): { currencyCode: string; units: bigint; nanos: number } {
  return { currencyCode: "GBP", units: pence / 100n, nanos: Number(pence % 100n) * 10_000_000 };
}

export async function create(
  client: ProductFixture["client"],
  changes: Partial<Product> = {},
): Promise<Product> {
  const { product } = await client.createProduct({ product: draft(changes), requestId: "" });
  return present(product);
}

export function searching(request: Partial<SearchProductsRequest>): SearchProductsRequest {
  return SearchProductsRequest.fromPartial(request);
}
