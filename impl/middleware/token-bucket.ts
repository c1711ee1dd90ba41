// The arithmetic of a token bucket, kept as one number (GCRA): when the bucket will be full again. Time is whole microseconds, so that a wait
// that is told is exact. Invariant: in any window in which the clock goes on by t seconds, at most burst + perSecond * t tokens are
// taken. A clock that is set back gives nothing, and leaves a bucket that is empty at worst.

export interface BucketLimit {
  /** Tokens that come back in a second; more than 0. */
  readonly perSecond: number;
  /** Tokens of a full bucket; at least 1. */
  readonly burst: number;
}

export interface Bucket {
  /** Microseconds of the clock; one that lies in the past is a full bucket. */
  fullAt: number;
}

/** Takes a token and gives 0, or takes none and gives the microseconds until one is there. */
export function takeToken(bucket: Bucket, limit: BucketLimit, nowMicros: number): number {
  const wait = waitMicros(bucket, limit, nowMicros);
  if (wait === 0) bucket.fullAt = Math.max(bucket.fullAt, nowMicros) + intervalMicros(limit);
  return wait;
}

/** Microseconds until a token is there; 0: now. */
export function waitMicros(bucket: Bucket, limit: BucketLimit, nowMicros: number): number {
  const interval = intervalMicros(limit);
  // An empty bucket is full after `burst` intervals: a time further ahead is from before the clock was set back.
  bucket.fullAt = Math.min(bucket.fullAt, nowMicros + interval * limit.burst);
  return Math.max(0, Math.ceil(bucket.fullAt - interval * (limit.burst - 1)) - nowMicros);
}

/** How long one token takes to come back. */
export function intervalMicros(limit: BucketLimit): number {
  return 1_000_000 / limit.perSecond;
}
