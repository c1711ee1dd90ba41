// Search terms that fill a page: of the words that people search for, those that enough products have in their description.

import { type SearchTerm, searchTerms } from "#harness/workload/search-terms.ts";
import type { Shop } from "#harness/workload/shop.ts";

/** Most wanted first; empty when no word is common enough. */
export function pageFillingTerms(shop: Shop, pageSize: number): SearchTerm[] {
  const products = new Map<string, number>();
  for (const { description } of shop.products) {
    for (const word of new Set(description.toLowerCase().match(/[a-z]+/g) ?? [])) {
      products.set(word, (products.get(word) ?? 0) + 1);
    }
  }
  return searchTerms(shop).filter(({ word }) => (products.get(word) ?? 0) >= pageSize);
}
