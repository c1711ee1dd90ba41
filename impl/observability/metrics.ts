// All metrics of one process, in a registry of its own: nothing is global, so two servers of one process do not add up by accident.
// No user id is ever a label: its cardinality has no bound.
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Method } from "#impl/runtime/method.ts";
import { codeName } from "#impl/runtime/status.ts";
import { CallSeries, type CodeSeries } from "./call-series.ts";
import { addLimitMetrics, type Load, newLoad, newRateCounters, type RateCounters } from "./limit-metrics.ts";
import {
  addCounter,
  addGauge,
  addHistogram,
  type BucketedSample,
  type Labels,
  type Sample,
} from "./metric-views.ts";
import {
  A66_LATENCY_BOUNDS,
  A66_SIZE_BOUNDS,
  fullMethodName,
  LABEL,
  METRIC,
  REQUEST_DURATION_BOUNDS,
} from "./names.ts";

/** Counted by the link that serves from the cache: `counters.hits += 1`. */
export interface CacheCounters {
  hits: number;
  misses: number;
}

/** Numbers that others keep, read when the metrics are. A missing one is not exposed. */
export interface MetricSources {
  readonly database?: () => { readonly busy: number; readonly idle: number; readonly waiting: number };
  /** Queries since the start. */
  readonly databaseQueries?: () => number;
  readonly cache?: () => { readonly entries: number; readonly bytes: number };
  /** Log lines lost since the start. */
  readonly droppedLogLines?: () => number;
  /** Whether revocations arrive, and how many are of effect. */
  readonly revocations?: () => { readonly up: boolean; readonly held: number };
}

export interface MetricsOptions {
  readonly sources?: MetricSources;
  /** Adds prom-client's metrics of the process, the heap and the event loop; they observe until the process ends. Default true. */
  readonly processMetrics?: boolean;
}

export interface Metrics {
  /** The counters of a method, made when first asked for: ask once a method, not once a call. */
  callsOf(method: Method): CallSeries;
  /** The counters of all methods that were asked for. */
  calls(): Iterable<CallSeries>;
  /** Likewise. */
  cacheOf(method: Method): CacheCounters;
  /** For those who have metrics of their own. */
  readonly registry: Registry;
  readonly load: Load;
  readonly rates: RateCounters;
  /** In the format of `contentType`. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const calls = new Map<string, CallSeries>();
  const caches = new Map<string, CacheCounters>();
  addCallMetrics(registry, calls);
  addCacheMetrics(registry, caches);
  addSources(registry, options.sources ?? {});
  const load = newLoad();
  const rates = newRateCounters();
  addLimitMetrics(registry, load, rates);
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
  return {
    registry,
    callsOf: (method) => getOrMake(calls, method.path, () => new CallSeries(method)),
    calls: () => calls.values(),
    cacheOf: (method) => getOrMake(caches, method.path, () => ({ hits: 0, misses: 0 })),
    load,
    rates,
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function getOrMake<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

type Calls = ReadonlyMap<string, CallSeries>;

function addCallMetrics(registry: Registry, calls: Calls): void {
  addCounter(registry, METRIC.requests, "Calls that have ended.", () =>
    byCode(calls, ({ method }, code, series) => ({
      labels: {
        [LABEL.service]: method.service,
        [LABEL.method]: method.name,
        [LABEL.status]: codeName(code),
      },
      value: series.duration.count,
    })),
  );
  addHistogram(registry, METRIC.requestDuration, "Duration of calls.", REQUEST_DURATION_BOUNDS, () =>
    calls
      .values()
      .filter((series) => series.finished > 0)
      .map(durationOfAllCodes),
  );
  addCounter(registry, METRIC.started, "Calls that have started, ended or not.", () =>
    calls.values().map((series) => ({ labels: grpcMethod(series.method), value: series.started })),
  );
  addGauge(registry, METRIC.openCalls, "Calls that have started and not ended.", () =>
    calls
      .values()
      .map((series) => ({ labels: grpcMethod(series.method), value: series.started - series.finished })),
  );
  const histogram = (
    name: string,
    help: string,
    bounds: readonly number[],
    what: "duration" | "sent" | "received",
  ): void =>
    addHistogram(registry, name, help, bounds, () =>
      byCode(calls, ({ method }, code, series) => ({
        labels: { ...grpcMethod(method), [LABEL.grpcStatus]: codeName(code) },
        cumulative: series[what].cumulative(bounds),
        sum: series[what].sum,
        count: series[what].count,
      })),
    );
  histogram(METRIC.duration, "Duration of calls, as gRFC A66 has it.", A66_LATENCY_BOUNDS, "duration");
  histogram(METRIC.sentSize, "Bytes of the messages sent by a call.", A66_SIZE_BOUNDS, "sent");
  histogram(METRIC.receivedSize, "Bytes of the messages received by a call.", A66_SIZE_BOUNDS, "received");
}

function grpcMethod(method: Method): Labels {
  return { [LABEL.grpcMethod]: fullMethodName(method.path) };
}

function* byCode<T>(
  calls: Calls,
  read: (calls: CallSeries, code: number, series: CodeSeries) => T,
): Generator<T> {
  for (const of of calls.values()) {
    for (const [code, series] of of.byCode.entries()) if (series !== undefined) yield read(of, code, series);
  }
}

function durationOfAllCodes({ method, byCode }: CallSeries): BucketedSample {
  const durations = byCode.flatMap((series) => (series === undefined ? [] : [series.duration]));
  const counts = durations.map((duration) => duration.cumulative(REQUEST_DURATION_BOUNDS));
  const total = (numbers: number[]): number => numbers.reduce((sum, number) => sum + number, 0);
  return {
    labels: { [LABEL.service]: method.service, [LABEL.method]: method.name },
    cumulative: REQUEST_DURATION_BOUNDS.map((_, i) => total(counts.map((of) => of[i] ?? 0))),
    sum: total(durations.map((duration) => duration.sum)),
    count: total(durations.map((duration) => duration.count)),
  };
}

function addCacheMetrics(registry: Registry, caches: ReadonlyMap<string, CacheCounters>): void {
  const read = (what: keyof CacheCounters) => () =>
    caches.entries().map(
      ([path, of]): Sample => ({
        labels: { [LABEL.grpcMethod]: fullMethodName(path) },
        value: of[what],
      }),
    );
  addCounter(registry, METRIC.cacheHits, "Calls answered from the response cache.", read("hits"));
  addCounter(registry, METRIC.cacheMisses, "Calls that the response cache could not answer.", read("misses"));
}

function addSources(registry: Registry, sources: MetricSources): void {
  const { database, databaseQueries, cache, droppedLogLines, revocations } = sources;
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  if (database !== undefined) {
    addGauge(registry, METRIC.databaseConnections, "Connections to the database.", () => {
      const { busy, idle } = database();
      return [
        { labels: { [LABEL.state]: "busy" }, value: busy },
        { labels: { [LABEL.state]: "idle" }, value: idle },
      ];
    });
    addGauge(registry, METRIC.databaseWaiting, "Callers that wait for a connection.", () =>
      one(database().waiting),
    );
  }
  if (databaseQueries !== undefined) {
    addCounter(registry, METRIC.databaseQueries, "Queries sent to the database.", () =>
      one(databaseQueries()),
    );
  }
  if (cache !== undefined) {
    addGauge(registry, METRIC.cacheEntries, "Responses in the cache.", () => one(cache().entries));
    addGauge(registry, METRIC.cacheBytes, "Bytes of the responses in the cache.", () => one(cache().bytes));
  }
  if (droppedLogLines !== undefined) {
    addCounter(registry, METRIC.logLinesDropped, "Log lines lost because output was slow or gone.", () =>
      one(droppedLogLines()),
    );
  }
  if (revocations !== undefined) {
    addGauge(
      registry,
      METRIC.revocationsUp,
      "1 while revocations arrive; else tokens work until they expire.",
      () => one(revocations().up ? 1 : 0),
    );
    addGauge(registry, METRIC.revocationsHeld, "Revocations that are of effect.", () =>
      one(revocations().held),
    );
  }
}
