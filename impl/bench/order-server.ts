// The server of the bulk benchmark, in a process of its own: `node order-server.ts <database url> <data folder>`. OrderService and the
// ProductService that it asks for prices over the wire, behind the checks of field rules, on a migrated database; orders are stored and
// not processed. Tells its parent its port, and on request what it has used.
import { Client, credentials } from "@grpc/grpc-js";
import { createClient } from "#impl/client/client.ts";
import { validate } from "#impl/middleware/validate.ts";
import { sleep, systemClock } from "#impl/runtime/clock.ts";
import { newId, systemRandom } from "#impl/runtime/ids.ts";
import { ecommerceSchema, recordingLogger, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { ordersSchema } from "#impl/services/order/order-row.ts";
import { createOrderService } from "#impl/services/order/order-service.ts";
import { createPricing } from "#impl/services/order/pricing.ts";
import { createSagas } from "#impl/services/order/sagas.ts";
import { openImageFiles } from "#impl/services/product/image-files.ts";
import { createProductService } from "#impl/services/product/product-service.ts";
import { createProductStore } from "#impl/services/product/product-store.ts";
import { productsSchema } from "#impl/services/product/product-tables.ts";
import { createPageTokens } from "#impl/services/shared/page-token.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { migrate } from "#impl/storage/migrations.ts";
import { openSessionLocks } from "#impl/storage/session-locks.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { InventoryServiceDefinition } from "#proto/ecommerce/v1/inventory.ts";
import { PaymentServiceDefinition } from "#proto/ecommerce/v1/payment.ts";
import { ProductServiceDefinition } from "#proto/ecommerce/v1/product_service.ts";

export interface OrderServerUsage {
  readonly cpuMicros: number;
  readonly statements: number;
}

const [url = "", folder = ""] = process.argv.slice(2);
const clock = systemClock;
const database = openDatabase<unknown>({
  url,
  sleep: (ms, signal) => sleep(clock, ms, signal),
  random: systemRandom,
  log: silentLog,
});
for (const tables of [productsSchema, ordersSchema]) {
  await migrate(database, tables);
  await migrate(database, eventTables(tables.schema));
}
const schema = ecommerceSchema();
const tokens = createPageTokens({ key: new Uint8Array(32), clock });
const logOf = (name: string) => createEventLog({ database, schema: name, clock, log: silentLog });

const serve = (service: Parameters<typeof startTestServer>[0]["services"][number]) =>
  startTestServer({
    schema,
    services: [service],
    links: [validate(schema)],
    translators: [storageToRpcError],
    record: false,
  });

const products = logOf(productsSchema.schema);
const catalogue = await serve(
  createProductService({
    store: createProductStore(database, { clock, events: products }),
    events: products,
    schema,
    newId,
    tokens,
    imageFiles: await openImageFiles({ folder, newId, clock }),
  }),
);
const channel = new Client(catalogue.address, credentials.createInsecure());
const context = { channel, schema, clock };
const events = logOf(ordersSchema.schema);
// Never started, so that nobody is asked for stock or money.
const sagas = createSagas({
  database,
  events,
  inventory: createClient(InventoryServiceDefinition, context),
  payments: createClient(PaymentServiceDefinition, context),
  clock,
  random: systemRandom,
  newId,
  log: recordingLogger([]),
});
const { implementation } = createOrderService({
  database,
  locks: openSessionLocks({ url, log: silentLog }),
  events,
  sagas,
  products: createClient(ProductServiceDefinition, context),
  pricing: createPricing(),
  schema,
  tokens,
  clock,
  newId,
  accessChecked: false,
});
const orders = await serve(implementation);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  const usage = { cpuMicros: user + system, statements: database.statements() };
  process.send?.(usage satisfies OrderServerUsage);
});
process.once("disconnect", () => process.exit());
process.send?.({ port: orders.port });
