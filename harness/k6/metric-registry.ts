// The metrics of a run: the built-in ones, those that the script makes, and the sub-metrics that thresholds select by tags.

import { invalidConfig } from "./exit-codes.ts";
import { createSink, type MetricType, type Sink } from "./sinks.ts";
import { checkFigures, type ThresholdGroup } from "./thresholds.ts";

/** What the values are, for a summary. */
export type Contains = "default" | "time" | "data";
export type Tags = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  readonly type: MetricType;
  readonly contains: Contains;
  readonly sink: Sink;
}

export interface SubMetric extends Metric {
  readonly group: ThresholdGroup;
}

export interface Verdict {
  readonly group: ThresholdGroup;
  readonly source: string;
  readonly ok: boolean;
}

const BUILT_IN: ReadonlyArray<readonly [name: string, type: MetricType, contains?: Contains]> = [
  ["checks", "rate"],
  ["data_received", "counter", "data"],
  ["data_sent", "counter", "data"],
  ["dropped_iterations", "counter"],
  ["grpc_req_duration", "trend", "time"],
  ["grpc_streams", "counter"],
  ["grpc_streams_msgs_received", "counter"],
  ["grpc_streams_msgs_sent", "counter"],
  // Not k6's: from the moment a call was meant to be sent, with an arrival rate.
  ["intended_latency", "trend", "time"],
  ["iteration_duration", "trend", "time"],
  ["iterations", "counter"],
  ["vus", "gauge"],
  ["vus_max", "gauge"],
];

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/;

export class MetricRegistry {
  readonly #metrics = new Map<string, Metric>();
  readonly #subMetrics = new Map<string, SubMetric[]>();
  readonly #watched: { readonly group: ThresholdGroup; readonly sink: Sink }[] = [];

  constructor() {
    for (const [name, type, contains = "default"] of BUILT_IN) this.define(name, type, contains);
  }

  /** The same metric for the same name. Throws when another type was given for it before. */
  define(name: string, type: MetricType, contains: Contains = "default"): Metric {
    if (!NAME.test(name)) throw new TypeError(`"${name}" is not a name for a metric`);
    const known = this.#metrics.get(name);
    if (known === undefined) {
      const metric = { name, type, contains, sink: createSink(type) };
      this.#metrics.set(name, metric);
      return metric;
    }
    if (known.type === type && known.contains === contains) return known;
    throw invalidConfig(`metric ${name} is a ${known.type} of ${known.contains} already`);
  }

  add(name: string, value: number, tags: Tags): void {
    const metric = this.#metrics.get(name);
    if (metric === undefined) throw new Error(`metric ${name} is not defined`);
    metric.sink.add(value);
    for (const sub of this.#subMetrics.get(name) ?? []) {
      if (matches(sub.group.tags, tags)) sub.sink.add(value);
    }
  }

  /** Throws RunFailure for a metric that there is not. To be called once, when the script has made its metrics. */
  select(groups: readonly ThresholdGroup[]): void {
    for (const group of groups) {
      const metric = this.#metrics.get(group.metric);
      if (metric === undefined)
        throw invalidConfig(`a threshold names the metric ${group.metric}, which there is not`);
      checkFigures(group, metric.type);
      const sink = group.tags.size === 0 ? metric.sink : createSink(metric.type);
      const subs = this.#subMetrics.get(metric.name) ?? [];
      this.#subMetrics.set(metric.name, subs);
      if (group.tags.size > 0) subs.push({ ...metric, name: group.name, sink, group });
      this.#watched.push({ group, sink });
    }
  }

  verdicts(seconds: number): Verdict[] {
    return this.#watched.flatMap(({ group, sink }) =>
      group.thresholds.map((threshold) => ({
        group,
        source: threshold.source,
        ok: threshold.holds(sink, seconds),
      })),
    );
  }

  /** Whether one that is to end the run when it fails has failed. */
  mustAbort(seconds: number): boolean {
    return this.#watched.some(({ group, sink }) =>
      group.thresholds.some(
        (threshold) =>
          threshold.abortOnFail &&
          seconds * 1_000 >= threshold.delayAbortMs &&
          !threshold.holds(sink, seconds),
      ),
    );
  }

  /** Metrics and sub-metrics with samples or with thresholds, by name. */
  reported(): Metric[] {
    const subs = [...this.#subMetrics.values()].flat();
    const watched = new Set(this.#watched.map(({ group }) => group.name));
    return [...this.#metrics.values(), ...subs]
      .filter(({ name, sink }) => !sink.empty || watched.has(name))
      .sort((one, other) => one.name.localeCompare(other.name));
  }
}

function matches(wanted: ReadonlyMap<string, string>, tags: Tags): boolean {
  for (const [key, value] of wanted) if (tags[key] !== value) return false;
  return true;
}
