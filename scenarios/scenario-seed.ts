// Where the randomness of a scenario comes from, and how much of it there is: SEED, or always the same; EFFORT and TIME of `make scenarios`.

const { SEED = "1", EFFORT, TIME_MS } = process.env;

/** Printed with every failure: `make scenarios SEED=<seed>` repeats it. */
export const seed = Number(SEED);

/** How long a random claim goes on; undefined: until its effort is done. */
export const timeMs: number | undefined = TIME_MS ? Number(TIME_MS) : undefined;

/** How many times as much as in the tests is tried of what goes on for no time. 1 in the tests. */
export const effort = EFFORT ? Number(EFFORT) : 1;

/** By `make scenarios`; else they are some of all tests, which shall not take long. */
export const asked = EFFORT !== undefined || TIME_MS !== undefined;

const FOREVER = 1_000_000_000;

/** For fc.assert: `count` runs in the tests, that many times the effort on demand, or as many as the time allows. */
export function randomRuns(count: number) {
  if (timeMs === undefined) return { seed, numRuns: count * effort };
  const numRuns = EFFORT ? count * effort : FOREVER;
  // What is found within the time is made small after it.
  return { seed, numRuns, interruptAfterTimeLimit: timeMs, markInterruptAsFailure: false };
}

/** For a test of such runs that takes `ms` at most with the effort of the tests. */
export function randomTimeoutMs(ms: number): number {
  return ms * effort + (timeMs ?? 0);
}
