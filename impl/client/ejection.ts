// Outlier ejection: an endpoint that fails while others do not is left out for a time. Unlike a breaker it compares, and it never leaves
// out more than a part of all: when everyone fails, nobody is an outlier. After gRFC A50 and Envoy. Time is passed in, monotonic.

export interface EjectionOptions {
  /** Failures in a row. */
  readonly consecutiveFailures: number;
  /** The first ejection lasts this long, the n-th n times as long, up to `maxEjectionMs`. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** At most this share of all endpoints at a time, rounded down. */
  readonly maxEjectionPercent: number;
  /** How often success rates are compared. */
  readonly intervalMs: number;
  /** Success rates are compared when so many endpoints had so many calls in the interval. */
  readonly minEndpoints: number;
  readonly minCalls: number;
  /** Ejected is whose rate is more than so many standard deviations below the mean. */
  readonly deviations: number;
}

interface Record {
  consecutive: number;
  succeeded: number;
  failed: number;
  ejections: number;
  ejectedUntil: number;
}

export class Ejection<K> {
  readonly #options: EjectionOptions;
  readonly #onEject: (key: K, forMs: number) => void;
  readonly #records = new Map<K, Record>();
  #intervalEnd = Number.NEGATIVE_INFINITY;

  constructor(options: EjectionOptions, onEject: (key: K, forMs: number) => void = () => {}) {
    this.#options = options;
    this.#onEject = onEject;
  }

  add(key: K): void {
    this.#records.set(key, { consecutive: 0, succeeded: 0, failed: 0, ejections: 0, ejectedUntil: 0 });
  }

  remove(key: K): void {
    this.#records.delete(key);
  }

  /** It was gone and is back, perhaps as another process: it gets calls again. What it did before still counts for how long it is ejected next. */
  readmit(key: K): void {
    const record = this.#records.get(key);
    if (record !== undefined) [record.consecutive, record.ejectedUntil] = [0, 0];
  }

  isEjected(key: K, now: number): boolean {
    return (this.#records.get(key)?.ejectedUntil ?? 0) > now;
  }

  record(key: K, succeeded: boolean, now: number): void {
    const record = this.#records.get(key);
    if (record === undefined) return;
    if (succeeded) {
      record.succeeded += 1;
      record.consecutive = 0;
    } else {
      record.failed += 1;
      record.consecutive += 1;
      if (record.consecutive >= this.#options.consecutiveFailures) this.#eject(key, record, now);
    }
    if (now >= this.#intervalEnd) this.#compare(now);
  }

  #compare(now: number): void {
    const { intervalMs, minCalls, minEndpoints, deviations } = this.#options;
    const first = this.#intervalEnd === Number.NEGATIVE_INFINITY;
    this.#intervalEnd = now + intervalMs;
    if (first) return;
    const rated = [...this.#records]
      .filter(([, { succeeded, failed }]) => succeeded + failed >= minCalls)
      .map(([key, record]) => ({ key, record, rate: record.succeeded / (record.succeeded + record.failed) }));
    if (rated.length >= minEndpoints) {
      const mean = average(rated.map(({ rate }) => rate));
      const deviation = Math.sqrt(average(rated.map(({ rate }) => (rate - mean) ** 2)));
      const least = mean - deviations * deviation;
      for (const { key, record, rate } of rated) if (rate < least) this.#eject(key, record, now);
    }
    for (const record of this.#records.values()) {
      [record.succeeded, record.failed] = [0, 0];
      if (record.ejectedUntil <= now && record.ejections > 0) record.ejections -= 1;
    }
  }

  #eject(key: K, record: Record, now: number): void {
    if (record.ejectedUntil > now) return;
    const { baseEjectionMs, maxEjectionMs, maxEjectionPercent } = this.#options;
    const ejected = [...this.#records.values()].filter(({ ejectedUntil }) => ejectedUntil > now).length;
    if (ejected + 1 > Math.floor((this.#records.size * maxEjectionPercent) / 100)) return;
    record.ejections += 1;
    record.consecutive = 0;
    const forMs = Math.min(baseEjectionMs * record.ejections, maxEjectionMs);
    record.ejectedUntil = now + forMs;
    this.#onEject(key, forMs);
  }
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
