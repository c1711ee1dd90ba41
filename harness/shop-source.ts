// The shop and its traffic for a report: the retail data when a folder is given, else a synthetic shop from the seed.

import type { Read } from "#harness/experiment/prepare-workloads.ts";
import { seededRandom } from "#harness/load/random.ts";
import type { DataRecord } from "#harness/report/report-record.ts";
import type { Shop } from "#harness/sut/seed-shop.ts";
import { Product } from "#proto/ecommerce/v1/product.ts";
import { User } from "#proto/ecommerce/v1/user.ts";
import type { ReportSettings } from "./report-settings.ts";

export interface ShopSource {
  readonly shop: Shop;
  readonly reads: readonly Read[];
  readonly data: Pick<DataRecord, "source" | "rejected">;
}

const words = ["heart", "lantern", "bottle", "retrospot", "vintage", "christmas", "ceramic", "garden"];

export async function loadShop({ seed }: ReportSettings): Promise<ShopSource> {
  const random = seededRandom(seed);
  const products = Array.from({ length: 1500 }, (_, i) =>
    Product.create({
      sku: `S${i}`,
      name: `${words[i % 8]} ${words[(i * 7 + 3) % 8]} item ${i}`,
      description: "A nice thing for the home",
      price: { currencyCode: "GBP", units: BigInt((i % 50) + 1), nanos: 0 },
      category: "home/gift",
    }),
  );
  const customers = Array.from({ length: 200 }, (_, i) =>
    User.create({ email: `c${i}@example.com`, profile: { givenName: "Ann", familyName: "Bee" } }),
  );
  const reads = Array.from(
    { length: 5000 },
    (_, i): Read =>
      i % 6 === 0
        ? { kind: "customer", email: `c${Math.floor(200 * random.next() ** 2)}@example.com` }
        : { kind: "product", sku: `S${Math.floor(1500 * random.next() ** 3)}` },
  );
  return { shop: { products, customers }, reads, data: { source: `synthetic, seed ${seed}`, rejected: [] } };
}
