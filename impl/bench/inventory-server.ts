// The server of the reserve benchmark, in a process of its own: `node inventory-server.ts <database url> <lanes> <commands in a transaction>`.
// InventoryService behind the checks of field rules, on a migrated database. Tells its parent its port, and on request what it has used.
import { validate } from "#impl/middleware/validate.ts";
import { sleep, systemClock } from "#impl/runtime/clock.ts";
import { newId, systemRandom } from "#impl/runtime/ids.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { createInventoryService } from "#impl/services/inventory/inventory-service.ts";
import { createInventoryStore } from "#impl/services/inventory/inventory-store.ts";
import { inventorySchema } from "#impl/services/inventory/inventory-tables.ts";
import { createPageTokens } from "#impl/services/shared/page-token.ts";
import { openDatabase } from "#impl/storage/database.ts";
import { storageToRpcError } from "#impl/storage/error-translator.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { migrate } from "#impl/storage/migrations.ts";
import { silentLog } from "#impl/storage/storage-log.ts";

export interface InventoryUsage {
  readonly cpuMicros: number;
  readonly statements: number;
}

const [url = "", lanes = 0, maxCommands = 0] = process.argv
  .slice(2)
  .map((text, i) => (i === 0 ? text : Number(text)));
const clock = systemClock;
const database = openDatabase<unknown>({
  url: String(url),
  maxConnections: Number(lanes) + 4,
  sleep: (ms, signal) => sleep(clock, ms, signal),
  random: systemRandom,
  log: silentLog,
});
await migrate(database, inventorySchema);
await migrate(database, eventTables(inventorySchema.schema));
const events = createEventLog({ database, schema: inventorySchema.schema, clock, log: silentLog });
const store = createInventoryStore(database, {
  events,
  clock,
  writeLimits: { lanes: Number(lanes), maxCommands: Number(maxCommands) },
});
const schema = ecommerceSchema();
const tokens = createPageTokens({ key: new Uint8Array(32), clock });
const server = await startTestServer({
  schema,
  services: [createInventoryService({ store, events, tokens, newId })],
  links: [validate(schema)],
  translators: [storageToRpcError],
  record: false,
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, statements: database.statements() } satisfies InventoryUsage);
});
process.once("disconnect", () => process.exit());
process.send?.({ port: server.port });
