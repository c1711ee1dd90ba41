// How often the gate would be wrong, from the slices of identical builds: gates are made by drawing stored restarts with replacement,
// each with a coin for its sign (head and base are the same, so either could have been head) and its slices drawn anew. Shifted by a
// known change they show the power. Pure: one seed, one answer.

import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { clopperPearson, type ShareInterval } from "./clopper-pearson.ts";
import { judge, type Outcome } from "./decision.ts";
import { lookAfter } from "./looks.ts";

export interface ResampleOptions {
  /** `stored[m][j]` are the ln ratios of restart j in metric m. Every metric has the same restarts. */
  readonly stored: readonly (readonly (readonly number[])[])[];
  /** Added to every slice of a metric, in logarithms. */
  readonly shift: readonly number[];
  readonly restarts: number;
  readonly gates: number;
}

export interface Rates {
  readonly gates: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Exact, 95 %. */
  readonly fail: ShareInterval;
  readonly pass: ShareInterval;
}

/** Throws RangeError for fewer than two stored restarts. */
export function resampleGates(options: ResampleOptions, random: SeededRandom): Rates {
  const { stored, gates } = options;
  const restarts = stored[0]?.length ?? 0;
  if (restarts < 2) throw new RangeError(`resampling needs two restarts or more, got ${restarts}`);
  const counts = { PASS: 0, FAIL: 0, INCONCLUSIVE: 0 };
  for (let i = 0; i < gates; i++) counts[oneGate(options, random)]++;
  return {
    gates,
    counts,
    fail: clopperPearson(counts.FAIL, gates),
    pass: clopperPearson(counts.PASS, gates),
  };
}

function oneGate({ stored, shift, restarts }: ResampleOptions, random: SeededRandom): Outcome {
  const drawn: number[][][] = stored.map(() => []);
  for (let done = 1; done <= restarts; done++) {
    const which = random.below(stored[0]?.length ?? 0);
    const sign = random.below(2) === 0 ? -1 : 1;
    for (const [m, metric] of stored.entries()) {
      drawn[m]?.push(slicesAgain(metric[which] ?? [], sign, shift[m] ?? 0, random));
    }
    const look = lookAfter(done, restarts);
    if (look === undefined) continue;
    const { outcome } = judge(drawn, look);
    if (outcome !== "INCONCLUSIVE") return outcome;
  }
  return "INCONCLUSIVE";
}

function slicesAgain(slices: readonly number[], sign: number, shift: number, random: SeededRandom): number[] {
  return slices.map(() => sign * (slices[random.below(slices.length)] ?? 0) + shift);
}
