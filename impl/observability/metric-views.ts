// Metrics that are computed when they are asked for, as prom-client's registry wants them. Counting is left to whoever counts; here
// numbers get their names and labels. Knows no calls.
import type { Metric, Registry } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface BucketedSample {
  readonly labels: Labels;
  /** How many values were at most each bound. */
  readonly cumulative: readonly number[];
  readonly sum: number;
  readonly count: number;
}

interface Value {
  readonly metricName?: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

type Kind = "counter" | "gauge" | "histogram";

export function addCounter(
  registry: Registry,
  name: string,
  help: string,
  read: () => Iterable<Sample>,
): void {
  addView(registry, "counter", name, help, () => plain(read()));
}

export function addGauge(registry: Registry, name: string, help: string, read: () => Iterable<Sample>): void {
  addView(registry, "gauge", name, help, () => plain(read()));
}

export function addHistogram(
  registry: Registry,
  name: string,
  help: string,
  bounds: readonly number[],
  read: () => Iterable<BucketedSample>,
): void {
  addView(registry, "histogram", name, help, () => [...read()].flatMap((one) => buckets(name, bounds, one)));
}

function plain(samples: Iterable<Sample>): Value[] {
  return Array.from(samples, ({ labels, value }) => ({ labels: { ...labels }, value }));
}

function buckets(name: string, bounds: readonly number[], sample: BucketedSample): Value[] {
  const { labels } = sample;
  const metricName = `${name}_bucket`;
  return [
    ...bounds.map((le, i) => ({ metricName, labels: { le, ...labels }, value: sample.cumulative[i] ?? 0 })),
    { metricName, labels: { le: "+Inf", ...labels }, value: sample.count },
    { metricName: `${name}_sum`, labels: { ...labels }, value: sample.sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: sample.count },
  ];
}

// prom-client declares a metric as one of its own classes, and its registry uses only the name and `get` of it.
function addView(registry: Registry, type: Kind, name: string, help: string, values: () => Value[]): void {
  const aggregator = "sum";
  const view = {
    name,
    help,
    type,
    aggregator,
    get: async () => ({ name, help, type, aggregator, values: values() }),
    reset() {},
  };
  registry.registerMetric(view as unknown as Metric<string>);
}
