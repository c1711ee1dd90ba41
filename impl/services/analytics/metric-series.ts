// Sums as the series of the contract.
import {
  type Dimension,
  Metric,
  type MetricSeries,
  type MetricsWindow,
} from "#proto/ecommerce/v1/analytics.ts";
import { moneyToProto } from "../shared/money.ts";
import { isMoney } from "./occurrence.ts";
import type { MetricSums } from "./pane-sums.ts";
import type { Span } from "./window-frame.ts";

/** An amount of a metric: a count, minor units of a currency, or nanoseconds of `weight` calls. */
export interface Figure {
  readonly metric: Metric;
  /** The currency of money. */
  readonly unit: string;
  readonly amount: bigint;
  readonly weight: bigint;
}

const NANOSECONDS = 1e9;

export function seriesOf(
  figure: Figure,
  dimensions: readonly Dimension[] = [],
  values: readonly string[] = [],
): MetricSeries {
  return {
    metric: figure.metric,
    values: values.flatMap((value, index) => {
      const dimension = dimensions[index];
      return dimension === undefined ? [] : [{ dimension, value }];
    }),
    overflow: false,
    value: measureOf(figure),
  };
}

function measureOf({ metric, unit, amount, weight }: Figure): MetricSeries["value"] {
  if (isMoney(metric)) {
    return { $case: "money", value: moneyToProto({ minorUnits: amount, currency: unit }) };
  }
  if (metric === Metric.METRIC_RPC_LATENCY) {
    return { $case: "seconds", value: weight === 0n ? 0 : Number(amount) / Number(weight) / NANOSECONDS };
  }
  return { $case: "count", value: amount };
}

/** All series of a window, metric by metric as they were asked for. */
export function seriesOfSums(
  sums: ReadonlyMap<number, MetricSums>,
  metrics: readonly Metric[],
  dimensions: readonly Dimension[],
): MetricSeries[] {
  return metrics.flatMap((metric) => {
    const of = sums.get(metric);
    if (of === undefined) return [];
    return [
      ...of.sums.map((sum) => seriesOf({ ...sum, metric }, dimensions, sum.values)),
      ...of.others.map((sum) => ({ ...seriesOf({ ...sum, metric }), overflow: true })),
    ];
  });
}

export function windowMessage(
  { start, end }: Span,
  watermark: number,
  window: Pick<MetricsWindow, "final" | "lateCount" | "series">,
): MetricsWindow {
  return {
    startTime: new Date(start),
    endTime: new Date(end),
    watermarkTime: Number.isFinite(watermark) ? new Date(watermark) : undefined,
    ...window,
  };
}
