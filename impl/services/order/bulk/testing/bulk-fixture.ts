// The bulk methods of an order service on a database of their own, called over the wire as anyone the test likes, behind the checks of
// access and of field rules that they rely on, and beside a real catalogue. Orders are stored and not processed.
import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll } from "vitest";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { type Link, streamInput } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { openSessionLocks } from "#impl/storage/session-locks.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { create, type ProductFixture, productFixture } from "../../../product/testing/product-fixture.ts";
import { createPageTokens } from "../../../shared/page-token.ts";
import { ordersSchema } from "../../order-row.ts";
import { createPricing } from "../../pricing.ts";
import { type BulkOrderOptions, bulkOrderHandlers } from "../bulk-handlers.ts";

export type OrderClient = ClientOf<typeof OrderServiceDefinition>;

export interface BulkFixture {
  readonly database: TestDatabase<unknown>;
  readonly catalogue: ProductFixture;
  /** In the catalogue, for 12.50 GBP. */
  readonly productId: string;
  readonly client: OrderClient;
  readonly server: TestServer;
  /** Messages of request streams that were taken from the transport, by all processes. */
  received(): number;
  /** How often the processing of orders was woken. */
  wakes(): number;
  /** Another process of the service, as far as the database can tell. */
  secondProcess(options?: BulkFixtureOptions): Promise<OrderClient>;
}

export type BulkFixtureOptions = Partial<
  Pick<BulkOrderOptions, "limits" | "takeoverWaitMs" | "pollMs" | "accessChecked">
>;

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("OrderService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

/** Call it at the top of a test file: it registers its own clean-up. */
export async function bulkFixture(options: BulkFixtureOptions = {}): Promise<BulkFixture> {
  const database = await testDatabase<unknown>({ migrations: [ordersSchema], maxConnections: 20 });
  const log = await testEventLog(database, ordersSchema.schema);
  const catalogue = await productFixture();
  const { productId } = await create(catalogue.client);
  let wakes = 0;
  let received = 0;
  const count = async function* (messages: AsyncIterable<Uint8Array>) {
    for await (const message of messages) {
      received++;
      yield message;
    }
  };
  const countAll: Link = (method, next) =>
    method.requestStream ? (call, input) => next(call, count(streamInput(input))) : next;
  const start = async (changes: BulkFixtureOptions) => {
    const locks = openSessionLocks({ url: database.url, log: silentLog });
    const handlers = bulkOrderHandlers({
      database,
      locks,
      log,
      schema,
      intake: { products: catalogue.client, pricing: createPricing(), clock: systemClock, newId },
      tokens: createPageTokens({ key: new Uint8Array(32).fill(3), clock: systemClock }),
      clock: systemClock,
      wakeSagas: () => {
        wakes++;
      },
      accessChecked: true,
      pollMs: 20,
      takeoverWaitMs: 1_000,
      ...changes,
    });
    const links = changes.accessChecked === false ? [] : [believeTheCaller, authorize];
    const server = await startTestServer({
      schema,
      services: [implement(OrderServiceDefinition, handlers)],
      links: [...links, countAll, checkFields],
      translators: [storageToRpcError],
    });
    const channel = new Client(server.address, credentials.createInsecure());
    afterAll(async () => {
      channel.close();
      await server.drain();
      await locks.close();
    });
    return {
      server,
      client: createClient(OrderServiceDefinition, {
        channel,
        schema,
        clock: systemClock,
        metadata: () => CLERK,
      }),
    };
  };
  const { server, client } = await start(options);
  const secondProcess = async (changes: BulkFixtureOptions = {}) =>
    (await start({ ...options, ...changes })).client;
  return {
    database,
    catalogue,
    productId,
    client,
    server,
    wakes: () => wakes,
    received: () => received,
    secondProcess,
  };
}

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user") ?? "";
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = { userId, roles: [], permissions };
  return next(call, input);
};

const CLERK = {
  "test-user": "0192f000-0000-7000-8000-000000000001",
  "test-permissions": "orders.write,orders.read",
};

/** Options of a call by this user. Without such options the caller is one clerk who may write and read orders. */
export function as(userId: string, permissions: readonly string[]): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

export interface StoredOrder {
  readonly position: number;
  readonly reference: string;
  readonly lines: number;
}

/** By position. */
export async function storedOrders({ database }: BulkFixture, jobId: string): Promise<StoredOrder[]> {
  const { rows } = await sql<{ position: bigint; reference: string; lines: bigint }>`
    select bulk_position as position, reference,
      (select count(*) from orders.order_lines as line where line.order_id = o.order_id) as lines
    from orders.orders as o where bulk_job_id = ${jobId} order by bulk_position`.execute(database.queries);
  return rows.map(({ position, reference, lines }) => ({
    position: Number(position),
    reference,
    lines: Number(lines),
  }));
}
