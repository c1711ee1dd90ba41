// A server of the bulk methods behind the checks of access and of field rules that they rely on, which believes whoever calls. Orders are
// stored and not processed.
import { authorize } from "#impl/middleware/authorize.ts";
import { validate } from "#impl/middleware/validate.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { type Link, streamInput } from "#impl/runtime/handler.ts";
import { newId } from "#impl/runtime/ids.ts";
import { implement } from "#impl/runtime/service.ts";
import { ecommerceSchema, startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import type { Database } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { openSessionLocks } from "#impl/storage/session-locks.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { createPageTokens } from "../../../shared/page-token.ts";
import type { ProductClient } from "../../catalogue-lookup.ts";
import { createPricing } from "../../pricing.ts";
import { type BulkOrderOptions, bulkOrderHandlers } from "../bulk-handlers.ts";

export interface BulkServerOptions
  extends Partial<
    Pick<BulkOrderOptions, "limits" | "takeoverWaitMs" | "pollMs" | "accessChecked" | "clock">
  > {
  readonly database: Database<unknown>;
  /** Of the database. */
  readonly url: string;
  readonly events: EventLog;
  readonly products: ProductClient;
}

export interface BulkServer {
  readonly server: TestServer;
  /** Messages of request streams that were taken from the transport. */
  received(): number;
  /** How often the processing of orders was woken. */
  wakes(): number;
  stop(): Promise<void>;
}

const schema = ecommerceSchema();
const ours = [...schema.methods].filter(([path]) => path.includes("OrderService"));
const checkFields = validate({ ...schema, methods: new Map(ours) });

export async function startBulkServer({ url, products, ...options }: BulkServerOptions): Promise<BulkServer> {
  const locks = openSessionLocks({ url, log: silentLog });
  const counts = { wakes: 0, received: 0 };
  const handlers = bulkOrderHandlers({
    locks,
    schema,
    intake: { products, pricing: createPricing(), clock: systemClock, newId },
    tokens: createPageTokens({ key: new Uint8Array(32).fill(3), clock: systemClock }),
    clock: systemClock,
    wakeSagas: () => {
      counts.wakes++;
    },
    accessChecked: true,
    pollMs: 20,
    ...options,
  });
  const count = async function* (messages: AsyncIterable<Uint8Array>) {
    for await (const message of messages) {
      counts.received++;
      yield message;
    }
  };
  const countAll: Link = (method, next) =>
    method.requestStream ? (call, input) => next(call, count(streamInput(input))) : next;
  const server = await startTestServer({
    schema,
    services: [implement(OrderServiceDefinition, handlers)],
    links: [...(options.accessChecked === false ? [] : [believeTheCaller, authorize]), countAll, checkFields],
    translators: [storageToRpcError],
  });
  const stop = async (): Promise<void> => {
    await server.drain();
    await locks.close();
  };
  return { server, stop, received: () => counts.received, wakes: () => counts.wakes };
}

const believeTheCaller: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("test-user") ?? "";
  const permissions = new Set(call.metadata.get("test-permissions")?.split(","));
  call.principal = { userId, roles: [], permissions };
  return next(call, input);
};
