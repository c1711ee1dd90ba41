// An inventory service on a database of its own, called over the wire, behind the checks of field rules that it relies on.
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { validate } from "#impl/middleware/validate.ts";
import { type ManualClock, manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Call } from "#impl/runtime/call.ts";
import { type Clock, systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { type Database, openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { testEventLog } from "#impl/storage/testing/test-event-log.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createInventoryService } from "../inventory-service.ts";
import { createInventoryStore, type InventoryStore, type WriteLimits } from "../inventory-store.ts";
import { inventorySchema } from "../inventory-tables.ts";

export interface InventoryFixture extends Process {
  readonly database: TestDatabase<unknown>;
  /** The time of the service; everything else has the system's. */
  readonly clock: ManualClock;
}

/** One of the processes that serve the same inventory. */
export interface Process {
  readonly client: ClientOf<InventoryServiceDefinition>;
  readonly store: InventoryStore;
  readonly events: EventLog;
  readonly server: TestServer;
  /** In the order in which they came. */
  readonly calls: readonly Call[];
}

export interface ProcessOptions {
  readonly writeLimits?: Partial<WriteLimits>;
  /** Stands between the service and its log. */
  readonly events?: (log: EventLog) => EventLog;
  /** False leaves field rules unchecked. */
  readonly validated?: boolean;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function inventoryFixture(options: ProcessOptions = {}): Promise<InventoryFixture> {
  const database = await testDatabase<unknown>({ migrations: [inventorySchema] });
  const clock = manualClock();
  return { ...(await serve(database, clock, options)), database, clock };
}

/** Another process on the same database, with connections, groups and a log of its own. */
export async function anotherProcess(
  { database, clock }: InventoryFixture,
  options: ProcessOptions = {},
): Promise<Process> {
  const own = openDatabase<unknown>({ ...database, url: database.url });
  afterAll(() => own.close());
  return await serve(own, clock, options);
}

async function serve(
  database: Database<unknown>,
  clock: Clock,
  { validated = true, writeLimits = {}, events: wrap = (log) => log }: ProcessOptions,
): Promise<Process> {
  const events = wrap(await testEventLog(database, inventorySchema.schema));
  const schema = ecommerceSchema();
  const store = createInventoryStore(database, { events, clock, writeLimits });
  const tokens = createPageTokens({ key: new Uint8Array(32).fill(1), clock: systemClock });
  const ours = [...schema.methods].filter(([path]) => path.includes("InventoryService"));
  const calls: Call[] = [];
  const record: Link = (_, next) => (call, input) => {
    calls.push(call);
    return next(call, input);
  };
  const server = await startTestServer({
    schema,
    services: [createInventoryService({ store, events, tokens, newId })],
    links: [record, ...(validated ? [validate({ ...schema, methods: new Map(ours) })] : [])],
    translators: [storageToRpcError],
  });
  const channel = new Client(server.address, credentials.createInsecure(), {
    // Its own connection, also beside another process.
    "grpc.use_local_subchannel_pool": 1,
  });
  afterAll(async () => {
    channel.close();
    await server.drain();
  });
  const client = createClient(InventoryServiceDefinition, { channel, schema, clock: systemClock });
  return { client, store, events, server, calls };
}
