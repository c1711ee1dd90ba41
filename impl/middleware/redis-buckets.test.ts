import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newRateCounters } from "#impl/observability/limit-metrics.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { type LogLine, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { createMemoryBuckets } from "./buckets.ts";
import { createRedisBuckets, type RedisBucketsOptions } from "./redis-buckets.ts";
import {
  connectTo,
  linkToRedis,
  type RedisLink,
  removeKeys,
  uniquePrefix,
  whyNoRedis,
} from "./testing/real-redis.ts";
import { type Bucket, takeToken } from "./token-bucket.ts";

const missing = await whyNoRedis();
if (missing !== undefined) process.stderr.write(`shared rate limits are not tested: ${missing}\n`);

const prefix = uniquePrefix();
const clients: Redis[] = [];

async function process_(port?: number, options: Partial<RedisBucketsOptions> = {}) {
  const redis = connectTo(port);
  clients.push(redis);
  await redis.connect();
  const lines: LogLine[] = [];
  const state = newRateCounters();
  const buckets = createRedisBuckets({
    redis,
    memory: createMemoryBuckets({ clock: systemClock }),
    clock: systemClock,
    log: recordingLogger(lines),
    state,
    prefix,
    probeEveryMs: 10,
    // Patient with a busy machine; what is late is made so.
    timeoutMs: 2_000,
    ...options,
  });
  return { buckets, state, lines, redis };
}

describe.skipIf(missing !== undefined)("buckets in Redis", () => {
  let link: RedisLink;
  beforeAll(async () => {
    link = await linkToRedis();
  });
  afterAll(async () => {
    const redis = connectTo();
    clients.push(redis);
    await redis.connect();
    await removeKeys(redis, prefix);
    for (const client of clients) client.disconnect();
    await link.close();
  });

  test("the script decides as the arithmetic in memory does, for any calls and steps of the clock", async () => {
    let now = 0;
    const { buckets } = await process_(undefined, { nowMicros: () => now });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          perSecond: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
          burst: fc.integer({ min: 1, max: 5 }),
        }),
        fc.array(fc.tuple(fc.integer({ min: -500_000, max: 1_000_000 }), fc.constantFrom("ann", "bob")), {
          maxLength: 25,
        }),
        async (limit, calls) => {
          run += 1;
          const take = buckets.of(`model ${run}`, limit);
          const model = new Map<string, Bucket>();
          now = 29_000_000_000_000;
          for (const [step, key] of calls) {
            now += step;
            const bucket = model.get(key) ?? { fullAt: Number.NEGATIVE_INFINITY };
            model.set(key, bucket);
            expect(await take(key)).toBe(takeToken(bucket, limit, now) / 1_000);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("processes share a quota, and a wait that is told is long enough", async () => {
    const limit = { perSecond: 20, burst: 5 };
    const takes = [await process_(), await process_()].map(({ buckets }) => buckets.of("shared", limit));
    const waits = await Promise.all(Array.from({ length: 20 }, (_, i) => takes[i % 2]?.("ann")));
    const taken = waits.filter((wait) => wait === 0).length;
    expect(taken).toBeGreaterThanOrEqual(5);
    expect(taken).toBeLessThan(20);
    const wait = Math.max(...waits.map(Number));
    expect(wait).toBeLessThanOrEqual(50);
    const told = performance.now();
    await expect.poll(() => performance.now() - told > wait).toBe(true);
    expect(await takes[0]?.("ann")).toBe(0);
  });

  test.each(["cut", "pause"] as const)(
    "without Redis (%s) memory decides at once, until it answers",
    async (how) => {
      const { buckets, state, lines } = await process_(link.port, { timeoutMs: 30 });
      const take = buckets.of(how, { perSecond: 0.001, burst: 2 });
      expect(state.shared).toBe(true);
      // A busy machine may be late here, and then memory has decided.
      await expect.poll(async () => (state.shared ? take("warm-up") : undefined)).toBeDefined();
      link[how]();
      const waiting = Array.from({ length: 3 }, () => take("ann"));
      const waits = await Promise.all(waiting);
      expect(waits.filter((wait) => wait === 0)).toHaveLength(2);
      expect(state.shared).toBe(false);
      // Not even a promise: nothing is asked of a Redis that does not answer.
      expect(take("bob")).toBe(0);
      expect(state.decidedInMemory).toBeGreaterThanOrEqual(4);
      expect(lines.filter(({ level }) => level === "warn").map(({ message }) => message)).toEqual([
        "rate limits are kept in memory while Redis does not answer",
      ]);
      link.resume();
      await expect.poll(() => state.shared).toBe(true);
      expect(lines.at(-1)).toMatchObject({ level: "info", message: "rate limits are shared again" });
      expect(await take("carl")).toBe(0);
      buckets.close();
    },
  );

  test("a key is gone from Redis when its bucket has been full for a while", async () => {
    const { buckets, redis } = await process_();
    await buckets.of("kept", { perSecond: 1, burst: 10 })("ann");
    const left = await redis.pttl(`${prefix}kept/ann`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(61_000);
  });
});
