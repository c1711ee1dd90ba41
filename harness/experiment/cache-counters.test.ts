import { expect, it } from "vitest";
import { hitRatio, parseCacheCounters } from "./cache-counters.ts";

const text = `# HELP response_cache_hits_total Calls answered from memory
# TYPE response_cache_hits_total counter
response_cache_hits_total{method="a/B"} 30
response_cache_hits_total{method="a/C"} 12
response_cache_misses_total 8
response_cache_hits_total_of_another 99
`;

it("sums a counter over its labels and takes the ratio between two readings", () => {
  const counters = parseCacheCounters(text);
  expect(counters).toEqual({ hits: 42, misses: 8 });
  expect(hitRatio({ hits: 12, misses: 0 }, counters)).toBeCloseTo(30 / 38, 12);
});

it("knows no ratio where nothing was looked up", () => {
  expect(hitRatio({ hits: 1, misses: 1 }, { hits: 1, misses: 1 })).toBeNull();
  expect(parseCacheCounters("")).toEqual({ hits: 0, misses: 0 });
});
