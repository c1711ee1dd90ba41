// The highest rate that a system sustains, as an interval: the rate doubles until it is too much, then the gap is halved. Every step is
// measured several times and decided by the majority, and both ends are measured once more at the end, since one noisy slice would send a
// bisection the wrong way. Knows no load: `measure` says what happened at a rate.

/** One slice at a rate. */
export interface RateTrial {
  readonly rate: number;
  readonly p99Ms: number | null;
  /** Share of calls that did not end in OK. */
  readonly errorShare: number;
  /** Calls sent over calls intended: below 0.99 the generator did not keep up. */
  readonly sendShare: number;
  readonly generatorUtilization: number;
}

export interface SaturationLimits {
  readonly p99Ms: number;
  /** Default 0.001. */
  readonly errorShare?: number;
  /** Default 0.99. */
  readonly sendShare?: number;
  /** Default 0.7. */
  readonly generatorUtilization?: number;
}

export type TrialVerdict = "sustained" | "too much" | "generator too slow";

export interface SaturationOptions {
  readonly measure: (rate: number) => Promise<RateTrial>;
  readonly limits: SaturationLimits;
  readonly startRate: number;
  /** Slices for each decision, odd. Default 3. */
  readonly repeats?: number;
  /** The search ends when the interval is this narrow, high over low. Default 1.1. */
  readonly precision?: number;
  /** Above it nothing is tried. Default 1,000,000. */
  readonly highestRate?: number;
}

export interface Saturation {
  /** The highest rate that was sustained; null when not even the lowest tried was. */
  readonly sustained: number | null;
  /** The lowest rate above it that was not; null when none was found. */
  readonly exceeded: number | null;
  /** What ended the search upwards. `generator`: the system's limit lies at or above `sustained`, and is not known. */
  readonly limitedBy: "system" | "generator" | "highest rate";
  readonly trials: readonly (RateTrial & { readonly verdict: TrialVerdict })[];
}

const lowestShare = 1 / 256;

export function judgeTrial(trial: RateTrial, limits: SaturationLimits): TrialVerdict {
  const { errorShare = 0.001, sendShare = 0.99, generatorUtilization = 0.7 } = limits;
  if (trial.sendShare < sendShare || trial.generatorUtilization >= generatorUtilization) {
    return "generator too slow";
  }
  const sustained = trial.p99Ms !== null && trial.p99Ms <= limits.p99Ms && trial.errorShare <= errorShare;
  return sustained ? "sustained" : "too much";
}

/** Throws RangeError for options that make no search. */
export async function searchSaturation(options: SaturationOptions): Promise<Saturation> {
  const { startRate, repeats = 3, precision = 1.1, highestRate = 1_000_000 } = options;
  if (!(startRate > 0)) throw new RangeError(`startRate must be above 0, got ${startRate}`);
  if (!(Number.isInteger(repeats) && repeats % 2 === 1)) {
    throw new RangeError(`repeats must be odd, got ${repeats}`);
  }
  if (!(precision > 1)) throw new RangeError(`precision must be above 1, got ${precision}`);
  const rates = new Rates(options, repeats);

  let rate = startRate;
  if (await rates.sustains(rate)) {
    while (rate < highestRate && (await rates.sustains(Math.min(rate * 2, highestRate)))) {
      rate = Math.min(rate * 2, highestRate);
    }
  } else {
    while (rate > startRate * lowestShare && !(await rates.sustains(rate / 2))) rate /= 2;
  }
  for (;;) {
    await rates.bisect(precision);
    // Both ends again: what does not hold is out-voted, and the gap between the ends that remain is searched again.
    if (!(await rates.confirmEnds())) return rates.result();
  }
}

class Rates {
  readonly #options: SaturationOptions;
  readonly #repeats: number;
  readonly #trials: (RateTrial & { readonly verdict: TrialVerdict })[] = [];
  #confirmations = 0;

  constructor(options: SaturationOptions, repeats: number) {
    this.#options = options;
    this.#repeats = repeats;
  }

  async sustains(rate: number): Promise<boolean> {
    for (let i = 0; i < this.#repeats; i++) {
      const trial = await this.#options.measure(rate);
      this.#trials.push({ ...trial, rate, verdict: judgeTrial(trial, this.#options.limits) });
    }
    return this.#majority(rate) === "sustained";
  }

  async bisect(precision: number): Promise<void> {
    for (;;) {
      const { low, high } = this.#ends();
      if (low === undefined || high === undefined || high / low <= precision) return;
      await this.sustains(Math.sqrt(low * high));
    }
  }

  /** True when an end moved and the search has to go on; at most twice, so that it ends. */
  async confirmEnds(): Promise<boolean> {
    if (this.#confirmations >= 2) return false;
    this.#confirmations++;
    const { low, high } = this.#ends();
    if (low !== undefined) await this.sustains(low);
    if (high !== undefined) await this.sustains(high);
    const after = this.#ends();
    return after.low !== low || after.high !== high;
  }

  result(): Saturation {
    const { low, high } = this.#ends();
    const why = high === undefined ? undefined : this.#majority(high);
    return {
      sustained: low ?? null,
      exceeded: high ?? null,
      limitedBy: why === undefined ? "highest rate" : why === "generator too slow" ? "generator" : "system",
      trials: this.#trials,
    };
  }

  /** The lowest rate that was not sustained, and the highest below it that was. */
  #ends(): { readonly low: number | undefined; readonly high: number | undefined } {
    const rates = [...new Set(this.#trials.map((trial) => trial.rate))].sort((a, b) => a - b);
    const high = rates.find((rate) => this.#majority(rate) !== "sustained");
    const below = rates.filter((rate) => high === undefined || rate < high);
    return { low: below.at(-1), high };
  }

  #majority(rate: number): TrialVerdict {
    const verdicts = this.#trials.filter((trial) => trial.rate === rate).map((trial) => trial.verdict);
    const count = (verdict: TrialVerdict) => verdicts.filter((one) => one === verdict).length;
    // A tie is no proof that the rate is sustained.
    if (count("sustained") * 2 > verdicts.length) return "sustained";
    return count("generator too slow") > count("too much") ? "generator too slow" : "too much";
  }
}
