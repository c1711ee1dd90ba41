// The shop and its traffic for a report: real sales when a folder is given, else a synthetic shop from the seed.

import type { DataRecord } from "./report/report-record.ts";
import type { ReportSettings } from "./report-settings.ts";
import { retailShop } from "./workload/retail-catalogue.ts";
import { type RetailData, readRetailFolder } from "./workload/retail-csv.ts";
import { rejectionReasons } from "./workload/retail-row.ts";
import type { Shop } from "./workload/shop.ts";
import { syntheticShop } from "./workload/synthetic-shop.ts";

export interface ShopSource {
  readonly shop: Shop;
  readonly data: Pick<DataRecord, "source" | "rejected">;
}

/** Fails with RetailDataError for a folder that is no retail data. */
export async function loadShop({
  dataFolder,
  seed,
}: Pick<ReportSettings, "dataFolder" | "seed">): Promise<ShopSource> {
  if (dataFolder === undefined) {
    const shop = syntheticShop({ seed });
    return { shop, data: { source: shop.about, rejected: [] } };
  }
  const data = await readRetailFolder(dataFolder);
  const shop = retailShop(data);
  return { shop, data: { source: `${shop.about} (${data.rows} rows)`, rejected: rejectedGroups(data) } };
}

/** Every row that breaks a rule, under its first broken rule. */
function rejectedGroups({ rejected }: RetailData): DataRecord["rejected"] {
  const groups = Map.groupBy(rejected, (row) => row.reason);
  return [...groups].map(([reason, rows]) => ({
    reason: rejectionReasons[reason],
    count: rows.length,
    rows: rows.map(({ file, line, value }) => `${file}:${line} (${value})`),
  }));
}
