// Token buckets by key, in the memory of the process. Bounded: when there are too many, the one whose caller was away longest goes, and a
// caller whose bucket went starts with a full one. A bucket that is full again is as good as none, so an honest caller loses nothing,
// and more than `maxBuckets` callers within the time that a bucket takes to fill are needed to gain by it.
import type { Clock } from "#impl/runtime/clock.ts";
import { type Listed, RecencyList } from "./recency-list.ts";
import { type Bucket, type BucketLimit, takeToken, waitMicros } from "./token-bucket.ts";

/** Takes a token of the bucket of `key`: 0, or the milliseconds until one is there and none was taken. */
export type Take = (key: string) => number | Promise<number>;

/** Buckets of one kind; their keys are their own. */
export interface Buckets {
  /** To be called once for each name. */
  of(name: string, limit: BucketLimit): Take;
}

export interface MemorySpace {
  take(key: string): number;
  /** Milliseconds until a token is there; takes none. */
  wait(key: string): number;
}

export interface MemoryBuckets extends Buckets {
  of(name: string, limit: BucketLimit): (key: string) => number;
  space(limit: BucketLimit): MemorySpace;
  readonly size: number;
}

export interface MemoryBucketsOptions {
  readonly clock: Clock;
  /** Of all kinds together. Default 100,000, about 15 MB. */
  readonly maxBuckets?: number;
}

interface KeptBucket extends Bucket, Listed<KeptBucket> {
  readonly key: string;
  readonly home: Map<string, KeptBucket>;
}

export const DEFAULT_MAX_BUCKETS = 100_000;

export function createMemoryBuckets(options: MemoryBucketsOptions): MemoryBuckets {
  const { clock, maxBuckets = DEFAULT_MAX_BUCKETS } = options;
  const byUse = new RecencyList<KeptBucket>();
  const now = (): number => Math.floor(clock.monotonic() * 1_000);

  const bucketOf = (home: Map<string, KeptBucket>, key: string): KeptBucket => {
    const known = home.get(key);
    if (known !== undefined) {
      byUse.touch(known);
      return known;
    }
    if (byUse.size >= maxBuckets) drop(byUse);
    const bucket = { key, home, fullAt: Number.NEGATIVE_INFINITY, newer: undefined, older: undefined };
    home.set(key, bucket);
    byUse.add(bucket);
    return bucket;
  };

  const space = (limit: BucketLimit): MemorySpace => {
    const home = new Map<string, KeptBucket>();
    return {
      take: (key) => takeToken(bucketOf(home, key), limit, now()) / 1_000,
      wait(key) {
        const bucket = home.get(key);
        return bucket === undefined ? 0 : waitMicros(bucket, limit, now()) / 1_000;
      },
    };
  };
  return {
    space,
    of: (_, limit) => space(limit).take,
    get size() {
      return byUse.size;
    },
  };
}

function drop(byUse: RecencyList<KeptBucket>): void {
  const { oldest } = byUse;
  if (oldest === undefined) return;
  byUse.remove(oldest);
  oldest.home.delete(oldest.key);
}
