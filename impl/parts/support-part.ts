import { createRoomStore } from "../services/support/room-store.ts";
import { createSupportService } from "../services/support/support-service.ts";
import { supportSchema } from "../services/support/support-tables.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const supportPart: MakePart = async (context) => {
  const { database, clock, newId, tokens, accessChecked, log: logger, resources } = context;
  await migrate(database, supportSchema);
  const log = await openEventLog(supportSchema.schema, context);
  const store = createRoomStore(database, { clock, log });
  const service = createSupportService({
    store,
    log,
    database,
    tokens,
    newId,
    clock,
    logger,
    accessChecked,
  });
  resources.defer(() => service.stop());
  return {
    service: "ecommerce.v1.SupportService",
    implementation: service.implementation,
    dependsOn: ["database"],
    work: () => [purgeOf(store, context), retentionOf(supportSchema.schema, context)],
  };
};
