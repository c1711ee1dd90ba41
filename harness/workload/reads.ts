// An endless stream of reads that follows the shop's baskets: a basket is a read of its customer, then one of each line's product.
// Popularity, basket sizes and what is bought together are those of the baskets themselves. Knows no requests: a caller makes
// them, once for each product and customer. One seed, one stream.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { searchTermChoice } from "./search-terms.ts";
import type { Shop } from "./shop.ts";

export type Read =
  | {
      readonly kind: "getProduct";
      readonly sku: string;
      /** Index into the shop's products. */
      readonly product: number;
    }
  | {
      readonly kind: "getUser";
      /** The source's id of the customer. */
      readonly customerId: string;
      /** Index into the shop's customers. */
      readonly customer: number;
    }
  | SearchRead;

export interface SearchRead {
  readonly kind: "searchProducts";
  /** One word; empty when only the category is asked for. */
  readonly query: string;
  /** Empty when only the query is. */
  readonly category: string;
  readonly pageSize: number;
}

export interface ReadsOptions {
  /** `replay`: baskets in the order of the invoices, over and over. `sampled`: each drawn by chance. Default `sampled`. */
  readonly order?: "replay" | "sampled";
  /** Chance that a basket begins with a search, 0 to 1. Default 0. */
  readonly searchShare?: number;
  /** Results a search asks for. Default 20. */
  readonly pageSize?: number;
}

/** Shares of searches by category alone. */
const byCategoryShare = 0.2;

/** Throws RangeError for a shop without baskets, or a bad option. */
export function reads(
  shop: Shop,
  random: SeededRandom,
  options: ReadsOptions = {},
): Generator<Read, never, void> {
  const { order = "sampled", searchShare = 0, pageSize = 20 } = options;
  if (!(searchShare >= 0 && searchShare <= 1)) {
    throw new RangeError(`searchShare must be 0 to 1, got ${searchShare}`);
  }
  if (!shop.baskets.some((basket) => basket.products.length > 0)) {
    throw new RangeError(
      `a shop of ${shop.baskets.length} baskets, none with a product, has nothing to read`,
    );
  }
  return basketReads(shop, random, { order, searchShare, pageSize });
}

function* basketReads(
  shop: Shop,
  random: SeededRandom,
  { order, searchShare, pageSize }: Required<ReadsOptions>,
): Generator<Read, never, void> {
  const [which, whether] = [random.fork("baskets"), random.fork("whether to search")];
  const nextSearch = searches(shop, random, pageSize);
  for (let turn = 0; ; turn++) {
    const count = shop.baskets.length;
    const basket = shop.baskets[order === "replay" ? turn % count : which.below(count)];
    if (basket === undefined) continue;
    if (whether.next() < searchShare) yield nextSearch.next().value;
    const customer = basket.customer === null ? undefined : shop.customers[basket.customer];
    if (basket.customer !== null && customer !== undefined) {
      yield { kind: "getUser", customerId: customer.id, customer: basket.customer };
    }
    for (const product of basket.products) {
      yield { kind: "getProduct", sku: shop.products[product]?.sku ?? "", product };
    }
  }
}

/** An endless stream of searches alone: words of the descriptions by frequency, and now and then a category by its sales. */
export function* searches(
  shop: Shop,
  random: SeededRandom,
  pageSize: number,
): Generator<SearchRead, never, void> {
  const draws = random.fork("searches");
  const word = searchTermChoice(shop);
  const soldLines = shop.baskets.flatMap((basket) => basket.products);
  for (;;) {
    const product = shop.products[soldLines[draws.below(soldLines.length)] ?? 0];
    const query = draws.next() < byCategoryShare ? undefined : word(draws);
    yield {
      kind: "searchProducts",
      query: query ?? "",
      category: query === undefined ? (product?.category ?? "") : "",
      pageSize,
    };
  }
}
