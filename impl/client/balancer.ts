// Which of several endpoints gets the next call. Pure but for what a balancer remembers of its own picks; randomness is passed in.
// Another policy is another function of this type.
import type { Random } from "#impl/runtime/ids.ts";

export interface Candidate {
  /** Share of calls that it is configured to get, more than 0. */
  readonly weight: number;
  /** Part of its share that it takes now, in (0, 1]: less than 1 while it starts slowly. */
  readonly ramp: number;
  /** Calls under way. */
  readonly outstanding: number;
  /** Moving average of how long a call takes, milliseconds; 0 when it is not known. */
  readonly latencyMs: number;
}

export interface Balancer {
  /** One of `candidates`, of which there is at least one. The same endpoint must be the same object each time. */
  pick<C extends Candidate>(candidates: readonly C[]): C;
}

export type BalancerFactory = (random: Random) => Balancer;

/** Each in turn. */
export const roundRobin: BalancerFactory = () => smooth((candidate) => candidate.ramp);

/** Each in proportion to its weight, and as evenly spread in time as can be. */
export const weightedRoundRobin: BalancerFactory = () =>
  smooth((candidate) => candidate.weight * candidate.ramp);

/** The one with the fewest calls under way for its weight; chance decides between equals. */
export const leastOutstanding: BalancerFactory = (random) => ({
  pick(candidates) {
    const start = Math.floor(random() * candidates.length);
    let best = at(candidates, start);
    for (let step = 1; step < candidates.length; step++) {
      const candidate = at(candidates, (start + step) % candidates.length);
      if (load(candidate) < load(best)) best = candidate;
    }
    return best;
  },
});

/** Of two that chance names, the one where a call is expected to end sooner: latency times calls under way. */
export const powerOfTwoChoices: BalancerFactory = (random) => ({
  pick(candidates) {
    const first = Math.floor(random() * candidates.length);
    if (candidates.length === 1) return at(candidates, first);
    const other = (first + 1 + Math.floor(random() * (candidates.length - 1))) % candidates.length;
    const [a, b] = [at(candidates, first), at(candidates, other)];
    return expectedWait(b) < expectedWait(a) ? b : a;
  },
});

export const BALANCERS = { roundRobin, weightedRoundRobin, leastOutstanding, powerOfTwoChoices } as const;

export type BalancerName = keyof typeof BALANCERS;

const load = ({ outstanding, weight, ramp }: Candidate): number => (outstanding + 1) / (weight * ramp);

/** Differences below this are noise, which must not decide; and an endpoint that is not known yet is not free of cost. */
const LATENCY_FLOOR_MS = 1;

const expectedWait = (candidate: Candidate): number =>
  (candidate.latencyMs + LATENCY_FLOOR_MS) * load(candidate);

/** Smooth weighted round robin: everyone earns its weight with each pick, the richest is picked and pays for all. */
function smooth(weigh: (candidate: Candidate) => number): Balancer {
  const earned = new WeakMap<Candidate, number>();
  return {
    pick(candidates) {
      let total = 0;
      let best = at(candidates, 0);
      let most = Number.NEGATIVE_INFINITY;
      for (const candidate of candidates) {
        const weight = weigh(candidate);
        const credit = (earned.get(candidate) ?? 0) + weight;
        total += weight;
        earned.set(candidate, credit);
        if (credit > most) [best, most] = [candidate, credit];
      }
      earned.set(best, most - total);
      return best;
    },
  };
}

function at<C>(candidates: readonly C[], index: number): C {
  const candidate = candidates[index];
  if (candidate === undefined) throw new RangeError(`there is no candidate ${index} of ${candidates.length}`);
  return candidate;
}
