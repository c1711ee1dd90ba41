// A histogram made for the path of every call: bounds fixed, an observation is a search and two additions, nothing is allocated.
// Knows no labels and no exposition format.

export class Distribution {
  readonly #bounds: Float64Array;
  /** One a bound, and one for what is above the last. Not cumulative. */
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  /** `bounds` are ascending upper bounds, inclusive; they are shared, not copied. */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (bounds[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] ?? 0) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  /** How many values were at most each of `bounds`, which must be among the bounds of this distribution. */
  cumulative(bounds: readonly number[]): number[] {
    return bounds.map((bound) => {
      const index = this.#bounds.indexOf(bound);
      if (index < 0) throw new RangeError(`${bound} is not a bound of this distribution`);
      let total = 0;
      for (let i = 0; i <= index; i++) total += this.#counts[i] ?? 0;
      return total;
    });
  }
}
