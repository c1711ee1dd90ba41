// Token buckets in Redis, shared by all processes that use the same one. The script does the arithmetic of token-bucket.ts, by Redis's clock.
// When Redis fails or is slow, calls are decided by buckets in memory, which every process has for itself: until Redis answers again a
// caller may get his quota once a process. Only calls that were waiting when Redis failed wait, and no longer than `timeoutMs`.
import type { Redis } from "ioredis";
import type { RateCounters } from "#impl/observability/limit-metrics.ts";
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import type { Buckets } from "./buckets.ts";
import { intervalMicros } from "./token-bucket.ts";

export interface RedisBucketsOptions {
  readonly redis: Redis;
  /** Decides while Redis does not. */
  readonly memory: Buckets;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told whether Redis answers; `shared` is true from the start, so that the first failure is told too. */
  readonly state: Pick<RateCounters, "shared" | "decidedInMemory">;
  /** Before every key. Default "rate:". */
  readonly prefix?: string;
  /** Longest wait of a call for Redis. Default 50. */
  readonly timeoutMs?: number;
  /** From a failure to the next question whether Redis answers. Default 500. */
  readonly probeEveryMs?: number;
  /** In place of Redis's own clock. */
  readonly nowMicros?: () => number;
}

export interface RedisBuckets extends Buckets {
  /** Ends the questions; the connection stays its owner's. */
  close(): void;
}

// Times are told from 2026 on, so that a double holds them to a fraction of a microsecond. A key outlives its full bucket by a minute,
// in case a clock is set back.
const TAKE_TOKEN = `
local interval, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = (time[1] - 1767225600) * 1000000 + time[2]
end
local kept = tonumber(redis.call('GET', KEYS[1]) or now)
local fullAt = math.min(kept, now + interval * burst)
local wait = math.max(0, math.ceil(fullAt - interval * (burst - 1)) - now)
if wait == 0 then fullAt = math.max(fullAt, now) + interval end
if fullAt ~= kept then
  redis.call('SET', KEYS[1], string.format('%.17g', fullAt), 'PX', math.ceil((fullAt - now) / 1000) + 60000)
end
return wait`;

type WithScript = Redis & {
  takeToken(key: string, interval: number, burst: number, now: number | ""): Promise<number>;
};

export function createRedisBuckets(options: RedisBucketsOptions): RedisBuckets {
  const { memory, clock, log, state, prefix = "rate:", timeoutMs = 50, probeEveryMs = 500 } = options;
  options.redis.defineCommand("takeToken", { numberOfKeys: 1, lua: TAKE_TOKEN });
  // ioredis adds the command to the object, which its type cannot say.
  const redis = options.redis as WithScript;
  let cancelProbe: CancelTimer = () => {};
  let closed = false;
  state.shared = true;

  const probe = async (): Promise<void> => {
    const answers = await withinTime(redis.ping(), clock, timeoutMs).then(
      () => true,
      () => false,
    );
    if (closed) return;
    if (answers) note(true);
    else cancelProbe = clock.after(probeEveryMs, () => void probe());
  };
  const note = (shared: boolean, error?: unknown): void => {
    if (state.shared === shared || closed) return;
    state.shared = shared;
    if (shared) {
      log.info({}, "rate limits are shared again");
    } else {
      log.warn({ err: error }, "rate limits are kept in memory while Redis does not answer");
      cancelProbe = clock.after(probeEveryMs, () => void probe());
    }
  };

  return {
    of(name, limit) {
      const inMemory = memory.of(name, limit);
      const interval = intervalMicros(limit);
      return (key) => {
        if (!state.shared) {
          state.decidedInMemory += 1;
          return inMemory(key);
        }
        const now = options.nowMicros?.() ?? "";
        const asked = redis.takeToken(`${prefix}${name}/${key}`, interval, limit.burst, now);
        return withinTime(asked, clock, timeoutMs).then(
          (waitMicros) => waitMicros / 1_000,
          (error: unknown) => {
            note(false, error);
            state.decidedInMemory += 1;
            return inMemory(key);
          },
        );
      };
    },
    close() {
      closed = true;
      cancelProbe();
    },
  };
}

/** Rejects when `asked` takes longer. What has arrived while the process was busy is read before it is called late. */
function withinTime<T>(asked: Promise<T>, clock: Clock, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`no answer within ${ms} ms`));
    const cancel = clock.after(ms, () => setImmediate(late));
    asked.finally(cancel).then(resolve, reject);
  });
}
