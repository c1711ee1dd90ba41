// The bulk methods of an order service on a database of their own, called over the wire as anyone the test likes, beside a real catalogue.
import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll } from "vitest";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { create, type ProductFixture, productFixture } from "../../../product/testing/product-fixture.ts";
import { ordersSchema } from "../../order-row.ts";
import { type BulkServer, type BulkServerOptions, startBulkServer } from "./bulk-server.ts";

export type OrderClient = ClientOf<typeof OrderServiceDefinition>;

export interface BulkFixture extends Pick<BulkServer, "received" | "wakes"> {
  readonly database: TestDatabase<unknown>;
  readonly catalogue: ProductFixture;
  /** In the catalogue, for 12.50 GBP. */
  readonly productId: string;
  readonly client: OrderClient;
  /** Another process of the service, as far as the database can tell. */
  secondProcess(): Promise<OrderClient>;
}

export type BulkFixtureOptions = Omit<BulkServerOptions, "database" | "url" | "events" | "products">;

const schema = ecommerceSchema();

/** Call it at the top of a test file: it registers its own clean-up. */
export async function bulkFixture(options: BulkFixtureOptions = {}): Promise<BulkFixture> {
  const database = await testDatabase<unknown>({ migrations: [ordersSchema], maxConnections: 20 });
  const events = await testEventLog(database, ordersSchema.schema);
  const catalogue = await productFixture();
  const { productId } = await create(catalogue.client);
  const start = async () => {
    const started = await startBulkServer({
      database,
      url: database.url,
      events,
      products: catalogue.client,
      ...options,
    });
    afterAll(() => started.stop());
    return { ...started, client: orderClient(started.server.address) };
  };
  const { client, received, wakes } = await start();
  return {
    database,
    catalogue,
    productId,
    client,
    received,
    wakes,
    secondProcess: async () => (await start()).client,
  };
}

/** Call it at the top of a test file or in a test: it closes its connection after the last test. */
export function orderClient(address: string): OrderClient {
  const channel = new Client(address, credentials.createInsecure());
  afterAll(() => channel.close());
  return createClient(OrderServiceDefinition, { channel, schema, clock: systemClock, metadata: () => CLERK });
}

const CLERK = {
  "test-user": "0192f000-0000-7000-8000-000000000001",
  "test-permissions": "orders.write,orders.read",
};

/** Options of a call by this user. Without such options the caller is one clerk who may write and read orders. */
export function as(userId: string, permissions: readonly string[]): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

/** For `expect.poll`: patient with a machine that is busy, and quick to look again. */
export const SOON = { timeout: 15_000, interval: 5 };

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

export interface JobCounts {
  readonly accepted: number;
  readonly rejected: number;
  readonly nextPosition: number;
  readonly endPosition: number;
}

/** As the database has them now. Undefined while there is no such job. */
export async function jobCounts({ database }: BulkFixture, jobId: string): Promise<JobCounts | undefined> {
  const { rows } = await sql<Record<keyof JobCounts, bigint>>`
    select accepted_count as accepted, rejected_count as rejected, next_position as "nextPosition",
      end_position as "endPosition"
    from orders.bulk_jobs where job_id = ${jobId}`.execute(database.queries);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { accepted, rejected, nextPosition, endPosition } = row;
  return {
    accepted: Number(accepted),
    rejected: Number(rejected),
    nextPosition: Number(nextPosition),
    endPosition: Number(endPosition),
  };
}
