// The plan of an open loop: when each call is to be sent, in microseconds from the start, made before the first one is. Absolute,
// so a late call never moves the ones after it. Pure: one seed, one plan.

import type { SeededRandom } from "#harness/random/seeded-random.ts";

export interface ArrivalPlan {
  readonly durationMicros: number;
  /** Ascending offsets in [0, durationMicros). */
  readonly atMicros: Float64Array;
  /** The arm each arrival goes to, by index. */
  readonly arm: Uint8Array;
}

export interface ArrivalOptions {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Arms that share the arrivals, each by an equal and independent coin; default 1. */
  readonly arms?: number;
}

const mostArrivals = 50_000_000;

/** Independent arrivals at a mean rate: gaps are exponential, as of many callers who know nothing of each other. */
export function poissonArrivals(options: ArrivalOptions, random: SeededRandom): ArrivalPlan {
  const durationMicros = checked(options);
  const meanGap = 1_000_000 / options.ratePerSecond;
  const gaps = random.fork("gaps");
  const atMicros: number[] = [];
  for (let at = gap(gaps, meanGap); at < durationMicros; at += gap(gaps, meanGap)) atMicros.push(at);
  return plan(durationMicros, Float64Array.from(atMicros), options, random);
}

/** Evenly spaced arrivals, the first after half a gap. */
export function constantArrivals(options: ArrivalOptions, random: SeededRandom): ArrivalPlan {
  const durationMicros = checked(options);
  const gapMicros = 1_000_000 / options.ratePerSecond;
  // An arrival that would fall on the end is left out: offsets are below the duration.
  const count = Math.ceil(durationMicros / gapMicros - 0.5);
  const atMicros = Float64Array.from({ length: count }, (_, i) => (i + 0.5) * gapMicros);
  return plan(durationMicros, atMicros, options, random);
}

function gap(random: SeededRandom, meanMicros: number): number {
  return -Math.log(1 - random.next()) * meanMicros;
}

function plan(
  durationMicros: number,
  atMicros: Float64Array,
  options: ArrivalOptions,
  random: SeededRandom,
): ArrivalPlan {
  const coin = random.fork("arms");
  const arm = new Uint8Array(atMicros.length);
  const arms = options.arms ?? 1;
  if (arms > 1) for (let i = 0; i < arm.length; i++) arm[i] = coin.below(arms);
  return { durationMicros, atMicros, arm };
}

function checked({ ratePerSecond, durationMs, arms = 1 }: ArrivalOptions): number {
  if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond must be above 0, got ${ratePerSecond}`);
  if (!(durationMs > 0)) throw new RangeError(`durationMs must be above 0, got ${durationMs}`);
  if (!(Number.isInteger(arms) && arms >= 1 && arms <= 256)) {
    throw new RangeError(`arms must be a whole number from 1 to 256, got ${arms}`);
  }
  const expected = (ratePerSecond * durationMs) / 1000;
  if (expected > mostArrivals) {
    throw new RangeError(`a plan of about ${expected} arrivals is too long, at most ${mostArrivals}`);
  }
  return durationMs * 1000;
}
