// A moving average of latencies that follows slowness at once and forgets with time: an endpoint that nobody calls any more because it was
// slow is tried again after a while.

const DECAY_MS = 10_000;
/** Weight of a new sample that is lower than the average. */
const WEIGHT = 0.2;

export class Latency {
  #averageMs = 0;
  #seenAt = 0;

  /** The average, milliseconds; 0 before the first sample. `now` is monotonic. */
  at(now: number): number {
    return this.#averageMs === 0 ? 0 : this.#averageMs * Math.exp(-(now - this.#seenAt) / DECAY_MS);
  }

  add(sampleMs: number, now: number): void {
    const before = this.#averageMs === 0 ? sampleMs : this.at(now);
    this.#averageMs = before + (sampleMs - before) * WEIGHT;
    this.#seenAt = now;
  }

  /** A call that ended without an answer took at least this long. */
  addAtLeast(sampleMs: number, now: number): void {
    if (sampleMs > this.at(now)) this.add(sampleMs, now);
  }
}
