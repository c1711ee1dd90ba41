// How many calls may be under way at once, found from how long they take: Netflix's gradient over windows of calls. Each call is measured by
// what its method usually takes, so that a change in the mix of methods is no change of load. When calls take more than TOLERANCE
// times the usual, the limit shrinks by that much; else it grows a little, as long as it is used. That calls usually take longer is learned
// only from those that had few beside them: an overload never becomes the usual, and a dependency that has become slower does,
// at the latest when the limit is down to its minimum.

export interface ConcurrencyBounds {
  readonly min: number;
  readonly max: number;
}

/** How much slower than usual calls may become before fewer are let in. */
const TOLERANCE = 2;
const WINDOW_MS = 100;
/** A window goes on until it has as many calls. */
const WINDOW_CALLS = 20;
/** One call counts as at most so many times the usual: what waits long for something else must not speak for all. */
const MAX_SLOWNESS = 10;
const MOST_SHRINKING = 0.5;
/** How much of a window's result the limit takes on at once. */
const SMOOTHING = 0.2;
const START_LIMIT = 100;
/** How much of one call's time what is usual takes on. */
const LEARNING = 1 / 100;

/** What calls of one method usually take; made by `usualTime`. */
export interface UsualTime {
  ms: number;
  samples: number;
}

export function usualTime(): UsualTime {
  return { ms: 0, samples: 0 };
}

export class ConcurrencyLimit {
  readonly #bounds: ConcurrencyBounds;
  #limit: number;
  #slowness = 0;
  #calls = 0;
  #mostInFlight = 0;
  #windowEndsAt = Number.NEGATIVE_INFINITY;

  constructor(bounds: ConcurrencyBounds) {
    if (!(bounds.min >= 1 && bounds.min <= bounds.max)) {
      throw new RangeError(`concurrency bounds ${bounds.min} to ${bounds.max}: must be 1 <= min <= max`);
    }
    this.#bounds = bounds;
    this.#limit = clamp(START_LIMIT, bounds.min, bounds.max);
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** A call has ended after `ms`; `inFlight` counts it. */
  sample(ms: number, usual: UsualTime, inFlight: number, now: number): void {
    if (inFlight > this.#mostInFlight) this.#mostInFlight = inFlight;
    if (usual.ms > 0) {
      this.#slowness += Math.min(MAX_SLOWNESS, ms / usual.ms);
      this.#calls += 1;
    }
    const fewBeside = inFlight <= this.#bounds.min || inFlight * 2 <= this.#limit;
    if (fewBeside || ms < usual.ms || usual.samples === 0) learn(usual, ms);
    if (this.#calls >= WINDOW_CALLS && now >= this.#windowEndsAt) this.#closeWindow(now);
  }

  #closeWindow(now: number): void {
    const gradient = clamp((TOLERANCE * this.#calls) / this.#slowness, MOST_SHRINKING, 1);
    if (gradient < 1 || this.#mostInFlight * 2 > this.#limit) {
      const aim = this.#limit * gradient + Math.sqrt(this.#limit);
      const next = this.#limit + (aim - this.#limit) * SMOOTHING;
      this.#limit = clamp(next, this.#bounds.min, this.#bounds.max);
    }
    this.#slowness = 0;
    this.#calls = 0;
    this.#mostInFlight = 0;
    this.#windowEndsAt = now + WINDOW_MS;
  }
}

function learn(usual: UsualTime, ms: number): void {
  usual.samples += 1;
  usual.ms += (ms - usual.ms) * Math.max(LEARNING, 1 / usual.samples);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
