// What is counted of the limits of a process: plain fields, written by the links that limit.
import type { Registry } from "prom-client";
import { addCounter, addGauge, type Sample } from "./metric-views.ts";
import { LABEL, METRIC } from "./names.ts";

/** Of overload protection. */
export interface Load {
  /** Calls without streams that may be under way, and those that are. */
  limit: number;
  inFlight: number;
  /** Open streams. */
  streams: number;
  /** Refused calls by the bound that refused them. */
  readonly refused: { calls: number; turn: number; streams: number };
}

/** Of rate limits. */
export interface RateCounters {
  /** Refused calls by their class. */
  readonly refused: Map<string, number>;
  /** Whether processes share their buckets. */
  shared: boolean;
  /** Calls that memory has decided because the shared store did not answer. */
  decidedInMemory: number;
}

export function newLoad(): Load {
  return { limit: 0, inFlight: 0, streams: 0, refused: { calls: 0, turn: 0, streams: 0 } };
}

export function newRateCounters(): RateCounters {
  return { refused: new Map(), shared: false, decidedInMemory: 0 };
}

export function addLimitMetrics(registry: Registry, load: Load, rates: RateCounters): void {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  addGauge(registry, METRIC.overloadLimit, "Calls that may be under way at once.", () => one(load.limit));
  addGauge(registry, METRIC.overloadCalls, "Calls under way, without streams.", () => one(load.inFlight));
  addGauge(registry, METRIC.overloadStreams, "Open streams.", () => one(load.streams));
  addCounter(registry, METRIC.overloadRefused, "Calls refused because there were too many.", () =>
    byLabel(LABEL.bound, Object.entries(load.refused)),
  );
  addCounter(registry, METRIC.rateLimited, "Calls refused because their caller made too many.", () =>
    byLabel(LABEL.rateClass, rates.refused),
  );
  addGauge(registry, METRIC.rateShared, "1 while rate limits are shared with other processes.", () =>
    one(Number(rates.shared)),
  );
  addCounter(registry, METRIC.rateInMemory, "Calls decided here since the shared store did not answer.", () =>
    one(rates.decidedInMemory),
  );
}

function byLabel(label: string, counts: Iterable<readonly [string, number]>): Sample[] {
  return Array.from(counts, ([name, value]) => ({ labels: { [label]: name }, value }));
}
