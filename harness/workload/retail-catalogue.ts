// Turns valid sale lines into a shop. A product is a stock code, exactly as written but trimmed; its description and price
// are the most frequent ones of its lines, the earlier first where two are as frequent. A basket is an invoice.

import { categoryOf } from "./categories.ts";
import type { RetailData } from "./retail-csv.ts";
import type { SaleLine } from "./retail-row.ts";
import type { Basket, Shop, ShopCustomer, ShopProduct } from "./shop.ts";

/** Throws RangeError when no line is valid: there is nothing to sell. */
export function retailShop(data: RetailData): Shop {
  if (data.sales.length === 0)
    throw new RangeError(`none of ${data.rows} rows of retail data is a valid sale`);
  const byCode = groupBy(data.sales, (sale) => sale.stockCode);
  const byInvoice = groupBy(data.sales, (sale) => sale.invoice);
  const known = data.sales.filter((sale) => sale.customerId !== undefined);
  const byCustomer = groupBy(known, (sale) => sale.customerId ?? "");
  const productAt = indexes(byCode);
  const customerAt = indexes(byCustomer);
  return {
    source: "retail",
    about: `${data.sales.length} sale lines of ${byInvoice.size} invoices from ${data.days.length} days of real retail sales`,
    products: [...byCode].map(([code, lines]) => productOf(code, lines)),
    customers: [...byCustomer].map(([id, lines]) => customerOf(id, lines)),
    baskets: [...byInvoice.values()].map((lines) => basketOf(lines, productAt, customerAt)),
  };
}

function productOf(code: string, lines: readonly SaleLine[]): ShopProduct {
  const described = lines.map((line) => line.description).filter((description) => description !== "");
  const description = mostFrequent(described) ?? code;
  return {
    sku: code,
    name: description,
    description,
    category: categoryOf(description),
    priceMinor: mostFrequent(lines.map((line) => line.unitPriceMinor)) ?? 0,
    weight: lines.length,
  };
}

function customerOf(id: string, lines: readonly SaleLine[]): ShopCustomer {
  return {
    id,
    country: mostFrequent(lines.map((line) => line.country)) ?? "",
    weight: new Set(lines.map((line) => line.invoice)).size,
  };
}

function basketOf(
  lines: readonly SaleLine[],
  productAt: ReadonlyMap<string, number>,
  customerAt: ReadonlyMap<string, number>,
): Basket {
  const buyer = lines.find((line) => line.customerId !== undefined)?.customerId;
  return {
    customer: buyer === undefined ? null : (customerAt.get(buyer) ?? null),
    products: lines.flatMap((line) => productAt.get(line.stockCode) ?? []),
  };
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function indexes(groups: ReadonlyMap<string, unknown>): Map<string, number> {
  return new Map([...groups.keys()].map((key, index) => [key, index]));
}

function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}
