// Hits and misses of the response cache, from the system's Prometheus text. A call that joined a miss under way counts as a hit
// only if the system counts it so.

export interface CacheCounters {
  readonly hits: number;
  readonly misses: number;
}

export function parseCacheCounters(metrics: string): CacheCounters {
  return {
    hits: total(metrics, "response_cache_hits_total"),
    misses: total(metrics, "response_cache_misses_total"),
  };
}

/** Share of lookups between two readings that were hits; null when there were none. */
export function hitRatio(before: CacheCounters, after: CacheCounters): number | null {
  const hits = after.hits - before.hits;
  const lookups = hits + after.misses - before.misses;
  return lookups > 0 ? hits / lookups : null;
}

/** Sum over all label sets of one metric. */
function total(metrics: string, name: string): number {
  return metrics
    .split("\n")
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
