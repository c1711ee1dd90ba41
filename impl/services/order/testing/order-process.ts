// A process of the order service, as far as the database and the wire can tell: a server with its own pool, log and workers, which
// believes whoever calls. It can be stopped as a process is, or killed.
import { Client, credentials } from "@grpc/grpc-js";
import { type CallOptions, type ClientOf, createClient } from "#impl/client/client.ts";
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import {
  ecommerceSchema,
  type LogLine,
  recordingLogger,
  startTestServer,
} from "#impl/runtime/testing/test-server.ts";
import { type Database, openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { openSessionLocks } from "#impl/storage/session-locks.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import type { TestDatabase } from "#impl/storage/testing/test-database.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { createPageTokens } from "../../shared/page-token.ts";
import { createOrderService } from "../order-service.ts";
import { createPricing } from "../pricing.ts";
import { createSagas, type Sagas, type SagasOptions } from "../sagas.ts";
import type { Shop } from "./shop.ts";

export type OrderClient = ClientOf<OrderServiceDefinition>;

export interface OrderProcess {
  readonly client: OrderClient;
  readonly sagas: Sagas;
  readonly events: EventLog;
  readonly database: Database<unknown>;
  readonly logged: readonly LogLine[];
  stop(): Promise<void>;
}

export interface OrderProcessOptions
  extends Partial<
    Pick<SagasOptions, "limits" | "notifications" | "inventory" | "payments" | "reservationTtlMs" | "clock">
  > {
  /** Whether it does the work of sagas. Default true. */
  readonly works?: boolean;
  /** Seen by its sagas alone. */
  readonly sagaDatabase?: (database: Database<unknown>) => Database<unknown>;
}

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("OrderService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

/** Fast enough for tests, and fair to a busy machine. */
const LIMITS = { pollMs: 50, firstPauseMs: 5, longestPauseMs: 40 };

export async function startOrderProcess(
  { url, sleep }: TestDatabase<unknown>,
  shop: Shop,
  options: OrderProcessOptions = {},
): Promise<OrderProcess> {
  const database = openDatabase<unknown>({
    url,
    sleep,
    random: () => 0.5,
    log: silentLog,
    maxConnections: 10,
  });
  const events = createEventLog({ database, schema: "orders", clock: systemClock, log: silentLog });
  const locks = openSessionLocks({ url, log: silentLog });
  const logged: LogLine[] = [];
  const { works = true, sagaDatabase = (same) => same, limits, ...others } = options;
  const sagas = createSagas({
    inventory: shop.inventory.client,
    payments: shop.payments.client,
    clock: systemClock,
    ...others,
    database: sagaDatabase(database),
    events,
    limits: { ...LIMITS, ...limits },
    random: () => 0.5,
    newId,
    log: recordingLogger(logged),
  });
  const { implementation } = createOrderService({
    database,
    locks,
    events,
    sagas,
    products: shop.products.client,
    pricing: createPricing(),
    schema,
    tokens: createPageTokens({ key: new Uint8Array(32).fill(5), clock: systemClock }),
    clock: systemClock,
    newId,
    accessChecked: true,
  });
  const server = await startTestServer({
    schema,
    services: [implementation],
    links: [believeTheCaller, authorize, checkFields],
    translators: [storageToRpcError],
  });
  const channel = new Client(server.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const context = { channel, schema, clock: systemClock, metadata: () => clerk.metadata ?? {} };
  if (works) sagas.start();
  const stop = async (): Promise<void> => {
    channel.close();
    await sagas.stop();
    await server.drain();
    await events.stop();
    await locks.close();
    await database.close();
  };
  return { client: createClient(OrderServiceDefinition, context), sagas, events, database, logged, stop };
}

/** Options of a call by this user. */
export function as(userId: string, permissions: readonly string[] = []): CallOptions {
  return { metadata: { "test-user": userId, "test-permissions": permissions.join(",") } };
}

/** Who calls when a test names nobody: someone who may do everything with orders. */
export const clerk = as("01890000-0000-7000-8000-00000000000c", [
  "orders.read",
  "orders.write",
  "orders.fulfil",
  "orders.refund",
  "orders.override_price",
]);

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user") ?? "";
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = { userId, roles: [], permissions };
  return next(call, input);
};
