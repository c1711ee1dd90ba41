// The connection to Redis. Commands fail at once while there is none, and it is tried again for ever: whoever uses it has a way without.
import { Redis } from "ioredis";
import type { Logger } from "./runtime/logger.ts";

const CONNECT_TIMEOUT_MS = 1_000;
const LONGEST_PAUSE_MS = 2_000;

/** Throws an Error that does not show the password when `url` is not a Redis URL. */
export function openRedis(url: string, log: Logger): Redis {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new Error("REDIS_URL: must be redis://[user:password@]host:port[/database] or rediss://...");
  }
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(attempt * 100, LONGEST_PAUSE_MS),
    enableAutoPipelining: true,
  });
  // Without a listener ioredis prints every failed attempt; those who use it tell when that matters.
  redis.on("error", (error: unknown) => log.debug({ err: error }, "Redis cannot be reached"));
  return redis;
}
