// A recording histogram over hdr-histogram-js: 1 microsecond to 60 seconds, three significant digits, constant memory. Recording
// is a few array accesses, since it happens once or more for every call. What it counted is read as a Latency.

import { Int32Histogram } from "hdr-histogram-js";
import { type Latency, noLatency } from "./latency.ts";

/** Longer times are recorded as this. */
export const longestMicros = 60_000_000;
const significantDigits = 3;

export class Histogram {
  readonly #hdr = new Int32Histogram(1, longestMicros, significantDigits);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** Times below a microsecond, as of a clock's last digit, count as one. Throws RangeError for NaN. */
  record(micros: number): void {
    if (Number.isNaN(micros)) throw new RangeError("a time of NaN microseconds cannot be recorded");
    const value = Math.min(Math.max(1, Math.round(micros)), longestMicros);
    this.#hdr.recordValue(value);
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  get count(): number {
    return this.#count;
  }

  snapshot(): Latency {
    if (this.#count === 0) return noLatency;
    const hdr = this.#hdr;
    const buckets: (readonly [number, number])[] = [];
    const last = hdr.countsArrayIndex(this.#max);
    for (let index = hdr.countsArrayIndex(this.#min); index <= last; index++) {
      const count = hdr.getCountAtIndex(index);
      if (count > 0) buckets.push([hdr.highestEquivalentValue(hdr.valueFromIndex(index)), count]);
    }
    return {
      count: this.#count,
      minMicros: this.#min,
      maxMicros: this.#max,
      meanMicros: this.#sum / this.#count,
      buckets,
    };
  }
}
