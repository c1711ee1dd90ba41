// The buckets of rate limits: in Redis where there is one, and in memory.
import type { Config } from "./config.ts";
import { type Buckets, createMemoryBuckets, type MemoryBuckets } from "./middleware/buckets.ts";
import { createRedisBuckets } from "./middleware/redis-buckets.ts";
import type { RateCounters } from "./observability/limit-metrics.ts";
import { openRedis } from "./open-redis.ts";
import { systemClock } from "./runtime/clock.ts";
import type { Logger } from "./runtime/logger.ts";

export interface OpenBuckets {
  readonly buckets: Buckets;
  readonly ownBuckets: MemoryBuckets;
}

/** Does not wait for Redis: a process without it serves, and counts for itself until it answers. */
export function openBuckets(
  config: Config,
  log: Logger,
  state: RateCounters,
  resources: AsyncDisposableStack,
): OpenBuckets {
  const ownBuckets = createMemoryBuckets({ clock: systemClock });
  if (config.REDIS_URL === undefined) return { buckets: ownBuckets, ownBuckets };
  const redis = openRedis(config.REDIS_URL, log);
  resources.defer(() => redis.disconnect());
  const buckets = createRedisBuckets({
    redis,
    memory: ownBuckets,
    clock: systemClock,
    log,
    state,
    timeoutMs: config.REDIS_TIMEOUT_MS,
  });
  resources.defer(() => buckets.close());
  return { buckets, ownBuckets };
}
