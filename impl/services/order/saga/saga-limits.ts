// How much the workers of one process do at a time, and how patient they are.
export interface SagaLimits {
  /** Sagas at work at a time. A quarter is kept for orders that somebody waits for; work that was left lying gets the rest. Default 16. */
  readonly concurrency: number;
  /** How long a saga stays in the hands of a process that is silent. Renewed at a third of it. Default 10 s. */
  readonly leaseMs: number;
  /** How often work is looked for that nobody told of. Default 1 s. */
  readonly pollMs: number;
  /** How often a step is tried before the saga goes back. Default 12, which is two minutes. */
  readonly maxAttempts: number;
  /** The pause after the first failure; doubled with each, and shortened at random by up to a half. Default 100 ms ... */
  readonly firstPauseMs: number;
  /** ... up to this. Default 30 s. */
  readonly longestPauseMs: number;
  /** From this many failures in a row on, they are logged as errors: a compensation that does not succeed needs somebody. Default 8. */
  readonly alarmAttempts: number;
}

export const DEFAULT_SAGA_LIMITS: SagaLimits = {
  concurrency: 16,
  leaseMs: 10_000,
  pollMs: 1_000,
  maxAttempts: 12,
  firstPauseMs: 100,
  longestPauseMs: 30_000,
  alarmAttempts: 8,
};

/** Throws a RangeError that names the limit and its value. */
export function checkSagaLimits(limits: SagaLimits): SagaLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`saga ${name} ${value}: must be an integer of at least 1`);
    }
  }
  return Object.freeze({ ...limits });
}

/** `random` is in [0, 1). */
export function pauseAfter(
  attempts: number,
  random: number,
  { firstPauseMs, longestPauseMs }: SagaLimits,
): number {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(attempts - 1, 30));
  return longest * (1 - random / 2);
}
