import { join } from "node:path";
import { openImageFiles } from "../services/product/image-files.ts";
import { createProductService } from "../services/product/product-service.ts";
import { createProductStore } from "../services/product/product-store.ts";
import { productsSchema } from "../services/product/product-tables.ts";
import { migrate } from "../storage/migrations.ts";
import { openEventLog, retentionOf } from "./event-log.ts";
import type { MakePart } from "./part.ts";
import { purgeOf } from "./purge.ts";

export const productPart: MakePart = async (context) => {
  const { config, schema, database, clock, newId, tokens } = context;
  await migrate(database, productsSchema);
  const events = await openEventLog(productsSchema.schema, context);
  const store = createProductStore(database, { clock, events });
  const imageFiles = await openImageFiles({ folder: join(config.DATA_DIR, "product-images"), newId, clock });
  return {
    service: "ecommerce.v1.ProductService",
    implementation: createProductService({ store, events, schema, newId, tokens, imageFiles }),
    dependsOn: ["database"],
    work: () => [purgeOf(store, context), retentionOf(productsSchema.schema, context)],
  };
};
