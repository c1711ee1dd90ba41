// The exact interval of a share from counted successes: never narrower than it says, also at none or all.

import { incompleteBeta } from "#harness/experiment/student-t.ts";

export interface ShareInterval {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Two-sided, default 95 %. Throws RangeError unless 0 <= successes <= trials and trials >= 1. */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): ShareInterval {
  if (!(Number.isInteger(trials) && trials >= 1)) {
    throw new RangeError(`trials must be a whole number from 1, got ${trials}`);
  }
  if (!(Number.isInteger(successes) && successes >= 0 && successes <= trials)) {
    throw new RangeError(`successes must be a whole number from 0 to ${trials}, got ${successes}`);
  }
  const tail = (1 - confidence) / 2;
  return {
    share: successes / trials,
    low: successes === 0 ? 0 : betaQuantile(tail, successes, trials - successes + 1),
    high: successes === trials ? 1 : betaQuantile(1 - tail, successes + 1, trials - successes),
  };
}

function betaQuantile(probability: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (incompleteBeta(middle, a, b) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
