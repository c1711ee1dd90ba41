// Searches that shoppers might make, from what they bought: words of product names, as often as the products were read, and
// only words that fill a page. Pure.

export interface SearchQueryOptions {
  /** Names of the catalogue's products. */
  readonly catalogue: readonly string[];
  /** Names in the order in which they were read: repeats carry the popularity. */
  readonly read: Iterable<string>;
  /** A word must match at least so many products. */
  readonly minMatches: number;
  /** At most so many distinct words, the most read first. */
  readonly mostWords: number;
}

export interface WeightedWord {
  readonly word: string;
  /** How often a product with the word was read. */
  readonly weight: number;
}

/** Most read first; empty when no word is common enough. */
export function searchQueries({
  catalogue,
  read,
  minMatches,
  mostWords,
}: SearchQueryOptions): WeightedWord[] {
  const matches = new Map<string, number>();
  for (const name of catalogue) {
    for (const word of wordsOf(name)) matches.set(word, (matches.get(word) ?? 0) + 1);
  }
  const weights = new Map<string, number>();
  for (const name of read) {
    for (const word of wordsOf(name)) {
      if ((matches.get(word) ?? 0) >= minMatches) weights.set(word, (weights.get(word) ?? 0) + 1);
    }
  }
  return [...weights]
    .map(([word, weight]) => ({ word, weight }))
    .sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1))
    .slice(0, mostWords);
}

/** Distinct lower-case words of four letters or more: shorter ones are mostly not what people search for. */
function wordsOf(name: string): Set<string> {
  return new Set(name.toLowerCase().match(/[a-z]{4,}/g) ?? []);
}
