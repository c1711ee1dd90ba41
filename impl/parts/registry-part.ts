import { createRegistryService } from "../services/registry/registry-service.ts";
import { createRegistryStore } from "../services/registry/registry-store.ts";
import { type RegistryTables, registrySchema } from "../services/registry/registry-tables.ts";
import { startSweeper } from "../services/shared/sweeper.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";

export const registryPart: MakePart = async (context) => {
  const { database, clock, log, tokens } = context;
  const { schema } = registrySchema;
  await migrate(database, registrySchema);
  const events = await openEventLog(schema, context);
  const store = createRegistryStore(database.typed<RegistryTables>(), { events, clock });
  return {
    service: "ecommerce.v1.RegistryService",
    implementation: createRegistryService({ store, events, tokens }),
    dependsOn: ["database"],
    work: () => [
      startSweeper({ name: "forget expired instances", store, batchSize: 100, clock, log }),
      retentionOf(schema, context),
    ],
  };
};
