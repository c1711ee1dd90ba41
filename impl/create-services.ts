// The services of the system on one database: migrated, made, and with what they do in the background.
import { join } from "node:path";
import { KNOWN_ROLES } from "./auth/roles.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./runtime/clock.ts";
import { newId } from "./runtime/ids.ts";
import type { Logger } from "./runtime/logger.ts";
import { repeat } from "./runtime/repeat.ts";
import type { Schema } from "./runtime/schema.ts";
import type { ServiceImplementation } from "./runtime/service.ts";
import { openImageFiles } from "./services/product/image-files.ts";
import { createProductService } from "./services/product/product-service.ts";
import { createProductStore } from "./services/product/product-store.ts";
import { productsSchema } from "./services/product/product-tables.ts";
import { createPageTokens } from "./services/shared/page-token.ts";
import { createUserService } from "./services/user/user-service.ts";
import { createUserStore } from "./services/user/user-store.ts";
import { usersSchema } from "./services/user/user-tables.ts";
import type { Database } from "./storage/database.ts";
import { migrate } from "./storage/migrations.ts";

/** How often records of request ids that are past their retention are deleted. */
const PURGE_EVERY_MS = 3_600_000;

export interface ServicesOptions {
  readonly config: Config;
  readonly schema: Schema;
  readonly database: Database<unknown>;
  /** Seals page and resume tokens. */
  readonly tokenKey: Uint8Array;
  /** False only when authentication is switched off. */
  readonly accessChecked: boolean;
  readonly log: Logger;
  readonly resources: AsyncDisposableStack;
}

export interface Services {
  readonly implementations: readonly ServiceImplementation[];
  /** The services that serve, each with the names of the health checks it depends on. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
}

export async function createServices(options: ServicesOptions): Promise<Services> {
  const { config, schema, database, accessChecked, log, resources } = options;
  const clock = systemClock;
  for (const migrations of [usersSchema, productsSchema]) await migrate(database, migrations);
  const tokens = createPageTokens({ key: options.tokenKey, clock });
  const userStore = createUserStore(database, { clock });
  const users = createUserService({
    store: userStore,
    schema,
    newId,
    tokens,
    knownRoles: KNOWN_ROLES,
    accessChecked,
  });
  const productStore = createProductStore(database, { clock });
  const products = createProductService({
    store: productStore,
    schema,
    newId,
    tokens,
    imageFiles: await openImageFiles({ folder: join(config.DATA_DIR, "product-images"), newId, clock }),
  });
  for (const { purgeRequestIds } of [userStore, productStore]) {
    const purge = repeat("purge request ids", PURGE_EVERY_MS, purgeRequestIds, { clock, log });
    resources.defer(() => purge.stop());
  }
  return {
    implementations: [users, products],
    dependencies: {
      "ecommerce.v1.UserService": ["database"],
      "ecommerce.v1.ProductService": ["database"],
    },
  };
}
