import { createInventoryService } from "../services/inventory/inventory-service.ts";
import { createInventoryStore } from "../services/inventory/inventory-store.ts";
import { inventorySchema } from "../services/inventory/inventory-tables.ts";
import { startSweeper } from "../services/shared/sweeper.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const inventoryPart: MakePart = async (context) => {
  const { database, clock, log, newId, tokens } = context;
  const { schema } = inventorySchema;
  await migrate(database, inventorySchema);
  const events = await openEventLog(schema, context);
  const store = createInventoryStore(database, { events, clock });
  return {
    service: "ecommerce.v1.InventoryService",
    implementation: createInventoryService({ store, events, tokens, newId }),
    dependsOn: ["database"],
    work: () => [
      startSweeper({ name: "expire reservations", store, batchSize: 50, clock, log }),
      purgeOf(store, context),
      retentionOf(schema, context),
    ],
  };
};
