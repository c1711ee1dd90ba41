// What people type into the search box: words of product descriptions, each as often as the things sold under it. Short words,
// numbers and words without meaning of their own are left out.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { Shop } from "./shop.ts";
import { weightedChoice } from "./weighted-choice.ts";

const ignored = new Set([
  "and",
  "the",
  "for",
  "with",
  "set",
  "pack",
  "every",
  "occasion",
  "gift",
  "assorted",
]);

export interface SearchTerm {
  /** Lower case, at least three letters. */
  readonly word: string;
  readonly weight: number;
}

/** By falling weight, then by word. */
export function searchTerms(shop: Shop): SearchTerm[] {
  const weights = new Map<string, number>();
  for (const product of shop.products) {
    for (const word of new Set(product.description.toLowerCase().match(/[a-z]{3,}/g) ?? [])) {
      if (!ignored.has(word)) weights.set(word, (weights.get(word) ?? 0) + product.weight);
    }
  }
  return [...weights]
    .map(([word, weight]) => ({ word, weight }))
    .sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1));
}

/** Draws words by weight; undefined where the shop has none. */
export function searchTermChoice(shop: Shop): (random: SeededRandom) => string | undefined {
  const terms = searchTerms(shop);
  if (terms.length === 0) return () => undefined;
  const choose = weightedChoice(terms.map((term) => term.weight));
  return (random) => terms[choose(random)]?.word;
}
