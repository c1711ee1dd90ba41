// A stream of figures as tests read it.
import type { CallError } from "#impl/client/call-error.ts";
import {
  Metric,
  type MetricSeries,
  type MetricsWindow,
  StreamMetricsRequest,
  type StreamMetricsResponse,
} from "#proto/ecommerce/v1/analytics.ts";
import { type AnalyticsServer, NOON } from "./analytics-fixture.ts";

export type Asked = Parameters<typeof StreamMetricsRequest.fromPartial>[0];

export interface Reading {
  next(): Promise<StreamMetricsResponse>;
  windows(count: number): Promise<Told[]>;
  /** How it ends, when no other message comes. */
  failure(): Promise<CallError>;
  cancel(): void;
}

export interface Told {
  readonly window: MetricsWindow;
  readonly resumeToken: string;
}

export function open({ client }: Pick<AnalyticsServer, "client">, changes: Asked = {}): Reading {
  const abort = new AbortController();
  const request = StreamMetricsRequest.fromPartial({
    metrics: [Metric.METRIC_ORDERS, Metric.METRIC_REVENUE],
    window: { size: { seconds: 10n } },
    allowedLateness: { seconds: 0n },
    heartbeatInterval: { seconds: 300n },
    ...changes,
  });
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(30_000)]);
  const messages = client.streamMetrics(request, { signal })[Symbol.asyncIterator]();
  const next = async (): Promise<StreamMetricsResponse> => {
    const { value, done } = await messages.next();
    if (done === true) throw new Error("the stream ended");
    return value;
  };
  return {
    next,
    async windows(count) {
      const windows: Told[] = [];
      while (windows.length < count) {
        const { event, resumeToken } = await next();
        if (event?.$case === "window") windows.push({ window: event.value, resumeToken });
      }
      return windows;
    },
    async failure() {
      for (;;) {
        try {
          await next();
        } catch (error) {
          return error as CallError;
        }
      }
    },
    cancel: () => abort.abort(),
  };
}

/** "10s 2 GBP300": when it begins, and what it holds. */
export function short({ startTime, series }: MetricsWindow): string {
  const at = ((startTime?.getTime() ?? 0) - NOON) / 1_000;
  return [`${at}s`, ...series.map(shortSeries)].join(" ");
}

export const shorts = (told: readonly Told[]): string[] => told.map(({ window }) => short(window));

export function shortSeries({ values, overflow, value }: MetricSeries): string {
  const amount =
    value?.$case === "money"
      ? `${value.value.currencyCode}${value.value.units * 100n + BigInt(value.value.nanos / 10_000_000)}`
      : String(value?.value);
  return [overflow ? "others" : values.map((each) => each.value).join("/"), amount]
    .filter((part) => part !== "")
    .join("=");
}
