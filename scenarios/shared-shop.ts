// One shop for all scenarios of a worker that only look at it or add to it: a system in a process of its own, filled a little. Its watchdog
// ends it when the worker has gone.

import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { v7 as uuidV7 } from "uuid";
import { inject } from "vitest";
import { type Contract, readContract } from "#harness/contract/contract.ts";
import { shopCallers } from "#harness/shop/shop-callers.ts";
import { catalogueOf } from "#harness/sut/catalogue.ts";
import { untilServing } from "#harness/sut/health.ts";
import { seedShop } from "#harness/sut/seed-shop.ts";
import { type RunningSystem, startSystem } from "#harness/sut/start-system.ts";
import { createTokenIssuer, type TokenIssuer } from "#harness/sut/tokens.ts";
import { syntheticShop } from "#harness/workload/synthetic-shop.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import { scenarioDatabase } from "./scenario-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder of the test run, gone when it has ended. */
    scratch: string;
  }
}

export interface SharedShop {
  readonly contract: Contract;
  readonly system: RunningSystem;
  readonly issuer: TokenIssuer;
  /** Of a caller who may do everything. */
  readonly token: string;
  /** Ids that exist, by the name of the fields that hold them. */
  readonly known: Readonly<Record<string, readonly string[]>>;
  connect(): Promise<WireConnection>;
}

const ADMINISTRATOR = "00000000-0000-7000-8000-00000000000a";
const UNITS = 1_000n;

async function start(): Promise<SharedShop> {
  const directory = await mkdtemp(join(inject("scratch"), "shop-"));
  const contract = readContract();
  const issuer = await createTokenIssuer(directory);
  const permissions = [
    ...new Set(contract.methods.flatMap(({ policy }) => policy.access?.permissions ?? [])),
    ...["users.assign_roles", "orders.override_price", "support.agent"],
  ];
  const token = await issuer.issue({ subject: ADMINISTRATOR, permissions });
  const system = await startSystem({
    name: "shop of the scenarios",
    env: {
      DATABASE_URL: await scenarioDatabase(),
      DATA_DIR: join(directory, "data"),
      JWKS_FILE: issuer.jwksFile,
      LOG_LEVEL: "error",
    },
    serving: untilServing,
  });
  const open = (): Promise<WireConnection> => connect(system.grpc);
  const connection = await open();
  try {
    const shop = syntheticShop({ seed: 1, products: 12, customers: 4, baskets: 4 });
    const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
    const productId = [...seeded.productIds.values()];
    const { inventory } = shopCallers(connection, token, AbortSignal.timeout(30_000));
    const items = productId.map((id) => ({ productId: id, quantity: UNITS }));
    await inventory.receiveStock({ items, reference: "scenarios", requestId: uuidV7() });
    const userId = [...seeded.userIds.values()];
    return { contract, system, issuer, token, known: { productId, userId }, connect: open };
  } finally {
    await connection.close();
  }
}

export const sharedShop: SharedShop = await start();
