// What a metric keeps of its samples. A trend keeps every sample, so that its percentiles are exact, from the first to the last.

export type MetricType = "counter" | "gauge" | "rate" | "trend";

export interface Sink {
  readonly empty: boolean;
  add(value: number): void;
  /** One figure, such as "avg" or "p(95)"; undefined when a metric of the type has no such figure. */
  figure(name: string, seconds: number): number | undefined;
  /** The figures of a summary, in k6's order. */
  values(trendStats: readonly string[], seconds: number): Record<string, number>;
}

export function createSink(type: MetricType): Sink {
  switch (type) {
    case "counter":
      return new CounterSink();
    case "gauge":
      return new GaugeSink();
    case "rate":
      return new RateSink();
    case "trend":
      return new TrendSink();
  }
}

class CounterSink implements Sink {
  #count = 0;
  #samples = 0;

  get empty(): boolean {
    return this.#samples === 0;
  }

  add(value: number): void {
    this.#count += value;
    this.#samples++;
  }

  figure(name: string, seconds: number): number | undefined {
    if (name === "count") return this.#count;
    return name === "rate" ? this.#count / Math.max(seconds, 1e-9) : undefined;
  }

  values(_: readonly string[], seconds: number): Record<string, number> {
    return { count: this.#count, rate: this.#count / Math.max(seconds, 1e-9) };
  }
}

class GaugeSink implements Sink {
  #value = 0;
  #min = 0;
  #max = 0;
  empty = true;

  add(value: number): void {
    this.#value = value;
    this.#min = this.empty ? value : Math.min(this.#min, value);
    this.#max = this.empty ? value : Math.max(this.#max, value);
    this.empty = false;
  }

  figure(name: string): number | undefined {
    return name === "value" ? this.#value : undefined;
  }

  values(): Record<string, number> {
    return { value: this.#value, min: this.#min, max: this.#max };
  }
}

class RateSink implements Sink {
  #passes = 0;
  #total = 0;

  get empty(): boolean {
    return this.#total === 0;
  }

  add(value: number): void {
    this.#total++;
    if (value !== 0) this.#passes++;
  }

  figure(name: string): number | undefined {
    return name === "rate" ? this.#rate() : undefined;
  }

  values(): Record<string, number> {
    return { rate: this.#rate(), passes: this.#passes, fails: this.#total - this.#passes };
  }

  #rate(): number {
    return this.#total === 0 ? 0 : this.#passes / this.#total;
  }
}

class TrendSink implements Sink {
  #samples = new Float64Array(1024);
  #count = 0;
  #sum = 0;
  #sorted = true;

  get empty(): boolean {
    return this.#count === 0;
  }

  add(value: number): void {
    if (this.#count === this.#samples.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#samples);
      this.#samples = larger;
    }
    this.#samples[this.#count++] = value;
    this.#sum += value;
    this.#sorted = false;
  }

  figure(name: string): number | undefined {
    switch (name) {
      case "count":
        return this.#count;
      case "avg":
        return this.#count === 0 ? 0 : this.#sum / this.#count;
      case "min":
        return this.#percentile(0);
      case "max":
        return this.#percentile(1);
      case "med":
        return this.#percentile(0.5);
      default: {
        const percent = percentOf(name);
        return percent === undefined ? undefined : this.#percentile(percent / 100);
      }
    }
  }

  values(trendStats: readonly string[]): Record<string, number> {
    return Object.fromEntries(trendStats.map((stat) => [stat, this.figure(stat) ?? 0]));
  }

  /** Linear interpolation between the two samples around rank `share` x (n - 1), as k6 does. */
  #percentile(share: number): number {
    if (this.#count === 0) return 0;
    const samples = this.#samples.subarray(0, this.#count);
    if (!this.#sorted) samples.sort();
    this.#sorted = true;
    const rank = share * (this.#count - 1);
    const below = samples[Math.floor(rank)] ?? 0;
    const above = samples[Math.ceil(rank)] ?? 0;
    return below + (above - below) * (rank - Math.floor(rank));
  }
}

/** 99.9 of "p(99.9)". */
export function percentOf(name: string): number | undefined {
  const match = /^p\((\d+(?:\.\d+)?)\)$/.exec(name);
  if (match === null) return undefined;
  const percent = Number(match[1]);
  return percent <= 100 ? percent : undefined;
}

const FIGURES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ["count", "rate"],
  gauge: ["value"],
  rate: ["rate"],
  trend: ["avg", "min", "max", "med"],
};

/** Whether a metric of the type has the figure. */
export function hasFigure(type: MetricType, name: string): boolean {
  return FIGURES[type].includes(name) || (type === "trend" && percentOf(name) !== undefined);
}

/** What `summaryTrendStats` may name. */
export function isTrendStat(name: string): boolean {
  return name === "count" || hasFigure("trend", name);
}
