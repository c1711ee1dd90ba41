// A distribution of times as plain data: what an HDR histogram counted, bucket by bucket, without loss. It can be written as
// JSON, merged and read long after the run. Percentiles of merged distributions are exact; averages of percentiles are not made.

export interface Latency {
  readonly count: number;
  readonly minMicros: number;
  readonly maxMicros: number;
  readonly meanMicros: number;
  /** [highest value of the bucket in microseconds, count], ascending, no empty ones: within 0.1 % of every value recorded. */
  readonly buckets: readonly (readonly [valueMicros: number, count: number])[];
}

export const noLatency: Latency = Object.freeze({
  count: 0,
  minMicros: 0,
  maxMicros: 0,
  meanMicros: 0,
  buckets: Object.freeze([]),
});

/** The smallest recorded value that at least `percent` of all values do not exceed; null when there are none. */
export function percentileMicros(latency: Latency, percent: number): number | null {
  if (!(percent >= 0 && percent <= 100)) throw new RangeError(`percent must be 0 to 100, got ${percent}`);
  const rank = Math.max(1, Math.ceil((percent / 100) * latency.count));
  let seen = 0;
  for (const [valueMicros, count] of latency.buckets) {
    seen += count;
    if (seen >= rank) return Math.min(valueMicros, latency.maxMicros);
  }
  return null;
}

export function mergeLatencies(latencies: readonly Latency[]): Latency {
  const some = latencies.filter((latency) => latency.count > 0);
  if (some.length === 0) return noLatency;
  const counts = new Map<number, number>();
  let count = 0;
  let sum = 0;
  for (const latency of some) {
    count += latency.count;
    sum += latency.meanMicros * latency.count;
    for (const [value, times] of latency.buckets) counts.set(value, (counts.get(value) ?? 0) + times);
  }
  return {
    count,
    minMicros: Math.min(...some.map((latency) => latency.minMicros)),
    maxMicros: Math.max(...some.map((latency) => latency.maxMicros)),
    meanMicros: sum / count,
    buckets: [...counts].sort(([a], [b]) => a - b),
  };
}
