// Sums by pane and by combination of values, in bounded memory whatever comes: of too many combinations the rarest are added up, for each
// metric and unit, in one that is for all others. Nothing is ever left out of a sum. A combination that comes back after it was added up
// begins anew.
import { paneOf, spanOf, type WindowFrame } from "./window-frame.ts";

/** A figure for one combination of values. */
export interface Entry {
  readonly metric: number;
  /** What may be added up with each other: the currency of money, else "". */
  readonly unit: string;
  readonly values: readonly string[];
  readonly amount: bigint;
  /** What an average is taken over; 0 where none is. */
  readonly weight: bigint;
}

export interface Sum extends Entry {
  /** How many entries it is the sum of: the lowest are the rarest. */
  readonly seen: number;
}

/** What a window holds of one metric. */
export interface MetricSums {
  /** The most frequent first. */
  readonly sums: readonly Sum[];
  /** Without values, one for each unit. */
  readonly others: readonly Sum[];
}

export interface PaneLimits {
  /** Combinations of one metric that are told apart in a window. A pane keeps up to twice as many. */
  readonly combinations: number;
  /** Sums that are kept in all panes together, unless there are more panes than that: then two for each metric of a pane. */
  readonly sums: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Bucket {
  readonly sums: Map<string, Mutable<Sum>>;
  readonly others: Map<string, Mutable<Sum>>;
}

export class PaneSums {
  readonly #frame: WindowFrame;
  readonly #limits: PaneLimits;
  readonly #panes = new Map<number, Map<number, Bucket>>();
  #size = 0;
  #shrinkAbove: number;

  constructor(frame: WindowFrame, limits: PaneLimits) {
    this.#frame = frame;
    this.#limits = limits;
    this.#shrinkAbove = limits.sums;
  }

  /** Sums that are kept, without those for all others, of which there is one for each pane, metric and unit. */
  get size(): number {
    return this.#size;
  }

  get panes(): number {
    return this.#panes.size;
  }

  add(time: number, entry: Entry): void {
    const bucket = this.#bucket(paneOf(this.#frame, time), entry.metric);
    const before = bucket.sums.size;
    include(bucket.sums, keyOf(entry), { ...entry, seen: 1 });
    if (bucket.sums.size === before) return;
    this.#size += 1;
    if (bucket.sums.size > 2 * this.#limits.combinations) this.#cut(bucket, this.#limits.combinations);
    if (this.#size > this.#shrinkAbove) this.#shrink();
  }

  /** By metric; a metric of which there is nothing is missing. */
  window(index: number): ReadonlyMap<number, MetricSums> {
    const { start, end } = spanOf(this.#frame, index);
    const merged = new Map<number, Bucket>();
    for (const buckets of this.#within(start, end)) {
      for (const [metric, { sums, others }] of buckets) {
        const into = getOrMake(merged, metric, newBucket);
        for (const [key, sum] of sums) include(into.sums, key, sum);
        for (const [unit, sum] of others) include(into.others, unit, sum);
      }
    }
    return new Map(
      [...merged].map(([metric, bucket]) => {
        cut(bucket, this.#limits.combinations);
        const sums = [...bucket.sums.values()].sort(moreFrequent);
        return [metric, { sums, others: [...bucket.others.values()] }];
      }),
    );
  }

  /** Lets go of what is before `time`, which must be the beginning of a window. */
  forget(time: number): void {
    for (const [pane, buckets] of this.#panes) {
      if (pane >= time) continue;
      for (const { sums } of buckets.values()) this.#size -= sums.size;
      this.#panes.delete(pane);
    }
    this.#shrinkAbove = Math.max(this.#limits.sums, Math.min(this.#shrinkAbove, 2 * this.#size));
  }

  /** Through all panes, or through all of the span, whichever are fewer. */
  *#within(start: number, end: number): Generator<Map<number, Bucket>> {
    const { sizeMs, slideMs } = this.#frame;
    if (this.#panes.size < (2 * sizeMs) / slideMs) {
      for (const [pane, buckets] of this.#panes) if (pane >= start && pane < end) yield buckets;
      return;
    }
    for (let slide = start; slide < end; slide += slideMs) {
      for (const pane of new Set([slide, slide + (sizeMs % slideMs)])) {
        const buckets = pane < end ? this.#panes.get(pane) : undefined;
        if (buckets !== undefined) yield buckets;
      }
    }
  }

  #bucket(pane: number, metric: number): Bucket {
    const buckets = getOrMake(this.#panes, pane, () => new Map<number, Bucket>());
    return getOrMake(buckets, metric, newBucket);
  }

  #cut(bucket: Bucket, keep: number): void {
    this.#size -= bucket.sums.size;
    cut(bucket, keep);
    this.#size += bucket.sums.size;
  }

  /** To half of the limit, so that it is not soon needed again; large buckets give, small ones stay as they are. */
  #shrink(): void {
    const buckets = [...this.#panes.values()].flatMap((each) => [...each.values()]);
    const keep = Math.max(1, Math.floor(this.#limits.sums / 2 / buckets.length));
    for (const bucket of buckets) this.#cut(bucket, keep);
    this.#shrinkAbove = Math.max(this.#limits.sums, 2 * this.#size);
  }
}

function newBucket(): Bucket {
  return { sums: new Map(), others: new Map() };
}

function keyOf({ unit, values }: Entry): string {
  return [unit, ...values].join("\0");
}

function include(sums: Map<string, Mutable<Sum>>, key: string, sum: Sum): void {
  const known = sums.get(key);
  if (known === undefined) {
    sums.set(key, { ...sum });
    return;
  }
  known.amount += sum.amount;
  known.weight += sum.weight;
  known.seen += sum.seen;
}

/** Adds up all but the `keep` most frequent; of those that are as rare as each other the first ones stay. */
function cut({ sums, others }: Bucket, keep: number): void {
  if (sums.size <= keep) return;
  // Numbers in a typed array are sorted many times faster than sums.
  const counts = Uint32Array.from(sums.values(), ({ seen }) => seen).sort();
  const least = counts[counts.length - keep] ?? 0;
  let ties = keep - (counts.length - firstAbove(counts, least));
  for (const [key, sum] of sums) {
    if (sum.seen > least) continue;
    if (sum.seen === least && ties-- > 0) continue;
    include(others, sum.unit, others.has(sum.unit) ? sum : { ...sum, values: [] });
    sums.delete(key);
  }
}

/** Where in the sorted counts the first is that is greater. */
function firstAbove(counts: Uint32Array, least: number): number {
  const above = counts.findIndex((count) => count > least);
  return above === -1 ? counts.length : above;
}

function moreFrequent(one: Sum, other: Sum): number {
  return other.seen - one.seen || (keyOf(one) < keyOf(other) ? -1 : 1);
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
