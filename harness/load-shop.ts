// The shop that load scripts visit: a system started for them and filled through its API, and the file that tells them what there is.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { v7 as uuidV7 } from "uuid";
import { connect } from "#wire/client.ts";
import { OPERATOR_PERMISSIONS, shopCallers } from "./shop/shop-callers.ts";
import { catalogueOf } from "./sut/catalogue.ts";
import { untilServing } from "./sut/health.ts";
import { type SeededShop, seedShop } from "./sut/seed-shop.ts";
import { type Address, type RunningSystem, startSystem } from "./sut/start-system.ts";
import { createTokenIssuer, type TokenIssuer } from "./sut/tokens.ts";
import { hourlyOrders } from "./workload/hourly-orders.ts";
import { retailShop } from "./workload/retail-catalogue.ts";
import { readRetailFolder } from "./workload/retail-csv.ts";
import { searchTerms } from "./workload/search-terms.ts";
import type { Shop } from "./workload/shop.ts";
import { syntheticShop } from "./workload/synthetic-shop.ts";

export interface LoadShop extends AsyncDisposable {
  readonly system: RunningSystem;
  /** What SHOP is set to. */
  readonly shopFile: string;
}

export interface LoadShopOptions {
  /** Of the run's own; the caller removes it. */
  readonly directory: string;
  readonly dataFolder: string | undefined;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** A young generation that fits a server's garbage. */
export const loadNodeFlags = ["--max-semi-space-size=16"];

const OPERATOR = "00000000-0000-7000-8000-000000000001";
/** Longer than any soak. */
const TOKEN_SECONDS = 7 * 24 * 3600;
const PRODUCTS = 500;
const CUSTOMERS = 100;
const UNITS = 10_000_000n;
/** Lines of one receipt. */
const RECEIPT_LINES = 200;
const TERMS = 50;

export async function startLoadShop(options: LoadShopOptions): Promise<LoadShop> {
  const { directory, dataFolder, seed, signal, onStep } = options;
  const data = dataFolder === undefined ? undefined : await readRetailFolder(dataFolder);
  const shop =
    data === undefined ? syntheticShop({ seed, products: PRODUCTS, customers: CUSTOMERS }) : retailShop(data);
  const issuer = await createTokenIssuer(directory);
  onStep("starting the system");
  const system = await startSystem({
    name: "shop under load",
    env: { DATA_DIR: join(directory, "data"), JWKS_FILE: issuer.jwksFile, LOG_LEVEL: "warn" },
    nodeFlags: loadNodeFlags,
    serving: untilServing,
    signal,
  });
  try {
    const token = await issuer.issue({ subject: OPERATOR, permissions: OPERATOR_PERMISSIONS }, TOKEN_SECONDS);
    onStep("filling the shop");
    const seeded = await fill(system.grpc, token, shop, signal);
    const shopFile = join(directory, "shop.json");
    const contents = await describeShop({ shop, seeded, token, issuer, hours: hourlyOrders(data) });
    await writeFile(shopFile, JSON.stringify(contents));
    return { system, shopFile, [Symbol.asyncDispose]: async () => void (await system.stop()) };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function fill(address: Address, token: string, shop: Shop, signal: AbortSignal): Promise<SeededShop> {
  const connection = await connect({ ...address, signal });
  try {
    const seeded = await seedShop({ connection, token, shop: catalogueOf(shop) });
    const { inventory } = shopCallers(connection, token, signal);
    const ids = [...seeded.productIds.values()];
    for (let from = 0; from < ids.length; from += RECEIPT_LINES) {
      const items = ids
        .slice(from, from + RECEIPT_LINES)
        .map((productId) => ({ productId, quantity: UNITS }));
      await inventory.receiveStock({ items, reference: "load", requestId: uuidV7() });
    }
    return seeded;
  } finally {
    await connection.close();
  }
}

interface Described {
  readonly shop: Shop;
  readonly seeded: SeededShop;
  readonly token: string;
  readonly issuer: TokenIssuer;
  readonly hours: readonly number[];
}

/** As load/lib/shop.ts reads it. */
async function describeShop({ shop, seeded, token, issuer, hours }: Described): Promise<object> {
  const products = shop.products.flatMap(({ sku, weight }) => {
    const id = seeded.productIds.get(sku);
    return id === undefined ? [] : [{ id, weight }];
  });
  const ids = [...seeded.userIds.values()].slice(0, CUSTOMERS);
  const customers = await Promise.all(
    ids.map(async (id) => ({
      id,
      token: await issuer.issue({ subject: id, permissions: [] }, TOKEN_SECONDS),
    })),
  );
  const terms = searchTerms(shop).slice(0, TERMS);
  return { token, products, customers, terms: terms.map(({ word }) => word), hours };
}
