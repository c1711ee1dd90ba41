// When which fault strikes and for how long: random, and the same for the same seed. Faults have their turns in shuffled rounds, so that a
// run that is long enough meets every one of them. Knows no faults but by name, and no clock.

import type { SeededRandom } from "#harness/random/seeded-random.ts";

export interface PlannedFault {
  /** From the beginning of the run. */
  readonly atMs: number;
  readonly forMs: number;
  /** Its name. */
  readonly fault: string;
}

export interface FaultPlanOptions {
  /** Names; each at most once. A fault never strikes while it is on. */
  readonly faults: readonly string[];
  /** No fault is on after that. */
  readonly durationMs: number;
  /** How many are on at a time. Default 1. */
  readonly mostAtOnce?: number;
  /** Of one fault. Default 500 and 5000 ms. */
  readonly shortestMs?: number;
  readonly longestMs?: number;
  /** From the beginning of one fault, or its end when no more may be on at once, to the beginning of the next. Default 200 and 2000 ms. */
  readonly shortestPeaceMs?: number;
  readonly longestPeaceMs?: number;
}

/** In the order of their beginnings. Throws RangeError for options that make no plan, and when not one fault fits in. */
export function planFaults(random: SeededRandom, options: FaultPlanOptions): PlannedFault[] {
  const { faults, durationMs, mostAtOnce, shortestMs, longestMs, shortestPeaceMs, longestPeaceMs } =
    checked(options);
  const next = inShuffledRounds(random.fork("order"), faults);
  const lengths = random.fork("lengths");
  const peaces = random.fork("peaces");
  const plan: PlannedFault[] = [];
  const ends = new Map<string, number>();
  for (let lastMs = 0; ; ) {
    const fault = next();
    const freeMs = Math.max(lastMs, roomMs(plan, mostAtOnce), ends.get(fault) ?? 0);
    const atMs = freeMs + between(peaces, shortestPeaceMs, longestPeaceMs);
    const leftMs = durationMs - atMs;
    if (leftMs < shortestMs) return plan;
    const forMs = between(lengths, shortestMs, Math.min(longestMs, leftMs));
    plan.push({ atMs, forMs, fault });
    ends.set(fault, atMs + forMs);
    lastMs = atMs;
  }
}

/** From when on fewer than `mostAtOnce` of the faults planned so far are on. */
function roomMs(plan: readonly PlannedFault[], mostAtOnce: number): number {
  const ends = plan.map(({ atMs, forMs }) => atMs + forMs).sort((a, b) => b - a);
  return ends[mostAtOnce - 1] ?? 0;
}

function inShuffledRounds(random: SeededRandom, names: readonly string[]): () => string {
  let round: string[] = [];
  return () => {
    if (round.length === 0) round = random.shuffled(names);
    return round.pop() ?? "";
  };
}

/** Whole milliseconds, both ends included. */
function between(random: SeededRandom, leastMs: number, mostMs: number): number {
  return leastMs + random.below(mostMs - leastMs + 1);
}

function checked(options: FaultPlanOptions): Required<FaultPlanOptions> {
  const { faults, durationMs, mostAtOnce = 1 } = options;
  const { shortestMs = 500, longestMs = Math.max(shortestMs, 5000) } = options;
  const { shortestPeaceMs = 200, longestPeaceMs = Math.max(shortestPeaceMs, 2000) } = options;
  if (faults.length === 0) throw new RangeError("faults must name at least one");
  const twice = faults.find((name, i) => faults.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`faults must name each once, got ${twice} twice`);
  whole("mostAtOnce", mostAtOnce, 1);
  whole("shortestMs", shortestMs, 1);
  whole("longestMs", longestMs, shortestMs);
  whole("shortestPeaceMs", shortestPeaceMs, 0);
  whole("longestPeaceMs", longestPeaceMs, shortestPeaceMs);
  // So that there is a first fault, whatever the seed.
  whole("durationMs", durationMs, longestPeaceMs + shortestMs);
  return { faults, durationMs, mostAtOnce, shortestMs, longestMs, shortestPeaceMs, longestPeaceMs };
}

function whole(field: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${field} must be a whole number from ${least}, got ${value}`);
  }
}
