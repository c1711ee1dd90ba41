// An inventory service on a database of its own, called over the wire, behind the checks of field rules that it relies on.
import { randomUUID } from "node:crypto";
import { Client, credentials } from "@grpc/grpc-js";
import { sql } from "kysely";
import { afterAll } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { validate } from "#impl/middleware/validate.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { StoppableEventLog } from "#impl/storage/events/create-event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import {
  InventoryServiceDefinition,
  type Reservation,
  type Stock,
  type StockItem,
} from "#proto/ecommerce/v1/inventory.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createInventoryService } from "../inventory-service.ts";
import { createInventoryStore, type InventoryStore, type WriteLimits } from "../inventory-store.ts";
import { inventorySchema } from "../inventory-tables.ts";

export interface InventoryFixture {
  readonly client: ClientOf<InventoryServiceDefinition>;
  readonly database: TestDatabase<unknown>;
  readonly events: StoppableEventLog;
  readonly store: InventoryStore;
  readonly server: TestServer;
  readonly clock: ManualClock;
}

/** The time of the service stands still until it is moved; its timers are real. */
export interface ManualClock extends Clock {
  advance(ms: number): void;
}

export interface InventoryFixtureOptions {
  readonly writeLimits?: Partial<WriteLimits>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function inventoryFixture(options: InventoryFixtureOptions = {}): Promise<InventoryFixture> {
  const database = await testDatabase<unknown>({ migrations: [inventorySchema] });
  const events = await testEventLog(database, inventorySchema.schema);
  const schema = ecommerceSchema();
  const clock = manualClock();
  const store = createInventoryStore(database, { events, clock, ...options });
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(1), clock: systemClock });
  const ours = [...schema.methods].filter(([path]) => path.includes("InventoryService"));
  const server = await startTestServer({
    schema,
    services: [createInventoryService({ store, events, tokens, newId })],
    links: [validate({ ...schema, methods: new Map(ours) })],
    translators: [storageToRpcError],
  });
  const channel = new Client(server.address, credentials.createInsecure());
  afterAll(async () => {
    channel.close();
    await server.drain();
  });
  const client = createClient(InventoryServiceDefinition, { channel, schema, clock: systemClock });
  return { client, database, events, store, server, clock };
}

function manualClock(): ManualClock {
  let now = systemClock.now();
  return {
    ...systemClock,
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

export function item(productId: string, quantity: bigint): StockItem {
  return { productId, quantity };
}

/** Calls with a request id of their own, and the present part of their answers. */
export function warehouse(client: InventoryFixture["client"]) {
  const receive = async (...items: StockItem[]): Promise<Stock[]> =>
    (await client.receiveStock({ items, reference: "", requestId: randomUUID() })).stocks;
  return {
    receive,
    /** A product of which so many were received. */
    async product(units: bigint): Promise<string> {
      const productId = randomUUID();
      await receive(item(productId, units));
      return productId;
    },
    stock: async (productId: string): Promise<Stock> => present((await client.getStock({ productId })).stock),
    async threshold(productId: string, lowStockThreshold: bigint): Promise<Stock> {
      return present((await client.setLowStockThreshold({ productId, lowStockThreshold })).stock);
    },
    async reserve(items: StockItem[], ttlSeconds?: bigint): Promise<Reservation> {
      const ttl = ttlSeconds === undefined ? undefined : { seconds: ttlSeconds, nanos: 0 };
      const request = { orderId: randomUUID(), items, ttl, requestId: randomUUID() };
      return present((await client.reserveStock(request)).reservation);
    },
    async reservation(reservationId: string): Promise<Reservation> {
      return present((await client.getReservation({ reservationId })).reservation);
    },
    async commit(reservationId: string): Promise<Reservation> {
      const request = { reservationId, requestId: randomUUID() };
      return present((await client.commitReservation(request)).reservation);
    },
    async release(reservationId: string): Promise<Reservation> {
      const request = { reservationId, requestId: randomUUID() };
      return present((await client.releaseReservation(request)).reservation);
    },
  };
}

/**
 * Products whose amounts are not what has happened to them, by the ledger: the movements, and the reservations by their states.
 */
export async function contradictions({ database }: InventoryFixture): Promise<readonly unknown[]> {
  const { rows } = await sql`
    with promised as (
      select product_id, state, sum(quantity) as units
      from inventory.reservations, unnest(product_ids, quantities) as item (product_id, quantity)
      group by product_id, state
    ), told as (
      select product_id,
        (select coalesce(sum(quantity), 0) from inventory.movements
          where product_id = stock.product_id and reason is distinct from 3) as received,
        (select coalesce(sum(quantity), 0) from inventory.movements
          where product_id = stock.product_id and reason = 3) as returned,
        (select coalesce(sum(units), 0) from promised where product_id = stock.product_id and state = 1) as held,
        (select coalesce(sum(units), 0) from promised where product_id = stock.product_id and state = 2) as committed
      from inventory.stock as stock
    )
    select stock.*, told.* from inventory.stock as stock join told using (product_id)
    where (stock.received, stock.reserved, stock.sold) is distinct from (told.received, held, committed - returned)
      or available + reserved + sold <> stock.received`.execute(database.queries);
  return rows;
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the answer lacks what it must have");
  return value;
}

/** The failure of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CallError) return error;
  throw new Error("the call did not fail", { cause: error });
}

/** "type subject: description" of each violation. */
export function refusals(error: CallError): string[] {
  const violations = error.details.preconditionFailure?.violations ?? [];
  return violations.map(({ type, subject, description }) => `${type} ${subject}: ${description}`);
}

/** "field: rule" of each violation. */
export function violations(error: CallError): string[] {
  return (error.details.badRequest?.fieldViolations ?? []).map(({ field, reason }) => `${field}: ${reason}`);
}
