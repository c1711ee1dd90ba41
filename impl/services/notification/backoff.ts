// How long to wait after a failed attempt, and when to give up. Every delay has jitter, so that what failed together does not come back
// together.
import type { Random } from "#impl/runtime/ids.ts";

export interface RetryPolicy {
  readonly maxAttempts: number;
  /** Milliseconds until the next attempt after so many failed ones, 1 to `maxAttempts` - 1. */
  delayMs(failedAttempts: number): number;
}

export interface ExponentialBackoff {
  /** The longest delay after the first failure; it doubles with each further one ... */
  readonly firstMs: number;
  /** ... up to this. */
  readonly longestMs: number;
  readonly maxAttempts: number;
  readonly random: Random;
}

/** A delay is between half of the longest and the longest. */
export function exponentialBackoff(options: ExponentialBackoff): RetryPolicy {
  const { firstMs, longestMs, maxAttempts, random } = options;
  if (!(firstMs > 0)) throw new RangeError(`backoff firstMs ${firstMs}: must be above 0`);
  if (!(longestMs >= firstMs))
    throw new RangeError(`backoff longestMs ${longestMs}: must be at least firstMs`);
  if (!Number.isSafeInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(`backoff maxAttempts ${maxAttempts}: must be an integer of at least 1`);
  }
  return {
    maxAttempts,
    delayMs: (failedAttempts) => {
      const longest = Math.min(longestMs, firstMs * 2 ** (failedAttempts - 1));
      return longest * (0.5 + random() / 2);
    },
  };
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The example of the Standard Webhooks specification: ten attempts in a little more than three days. */
export const STANDARD_WEBHOOKS_SCHEDULE: readonly number[] = [
  5 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];

export interface ScheduledBackoff {
  /** Delays in milliseconds, one after each failed attempt. */
  readonly schedule: readonly number[];
  /** Every delay is multiplied by it. */
  readonly scale: number;
  readonly random: Random;
}

const JITTER = 0.2;

/** A delay is at least the scheduled one, and up to a fifth longer. */
export function scheduledBackoff({ schedule, scale, random }: ScheduledBackoff): RetryPolicy {
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`backoff scale ${scale}: must be above 0`);
  }
  return {
    maxAttempts: schedule.length + 1,
    delayMs: (failedAttempts) => {
      const delay = schedule[failedAttempts - 1] ?? schedule.at(-1) ?? 0;
      return delay * scale * (1 + JITTER * random());
    },
  };
}
