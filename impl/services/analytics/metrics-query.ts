// A request for a stream of figures, read: which facts count, by what they are split, and how time is cut.
import { Dimension, type Metric, type StreamMetricsRequest } from "#proto/ecommerce/v1/analytics.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import { type Fact, isMoney, type Source, sourceOf } from "./occurrence.ts";
import type { Entry } from "./pane-sums.ts";
import type { WindowFrame } from "./window-frame.ts";

export interface MetricsQuery {
  readonly metrics: readonly Metric[];
  readonly dimensions: readonly Dimension[];
  readonly sources: readonly Source[];
  readonly frame: WindowFrame;
  readonly latenessMs: number;
  readonly includePartial: boolean;
}

const DEFAULT_LATENESS_MS = 10_000;

export function readQuery(request: StreamMetricsRequest): MetricsQuery {
  const { metrics, dimensions, window, allowedLateness, includePartial } = request;
  const sizeMs = millisecondsOf(window?.size);
  if (sizeMs === undefined) throw new Error("the window has no size: the request was not validated");
  return {
    metrics,
    dimensions,
    sources: [...new Set(metrics.map(sourceOf))].sort(),
    frame: { sizeMs, slideMs: millisecondsOf(window?.slide) ?? sizeMs },
    latenessMs: millisecondsOf(allowedLateness) ?? DEFAULT_LATENESS_MS,
    includePartial,
  };
}

/** What the facts add to the figures that are asked for. */
export function entriesOf({ metrics, dimensions }: MetricsQuery, facts: readonly Fact[]): Entry[] {
  return facts.flatMap((each) => {
    if (!metrics.includes(each.metric)) return [];
    const { metric, amount, weight } = each;
    const values = dimensions.map((dimension) => valueIn(each, dimension));
    return [{ metric, unit: isMoney(metric) ? each.currency : "", values, amount, weight }];
  });
}

function valueIn(fact: Fact, dimension: Dimension): string {
  switch (dimension) {
    case Dimension.DIMENSION_CURRENCY:
      return fact.currency;
    case Dimension.DIMENSION_COUNTRY:
      return fact.country;
    case Dimension.DIMENSION_PRODUCT:
      return fact.productId;
    case Dimension.DIMENSION_ORDER_STATUS:
      return fact.status;
    case Dimension.DIMENSION_RPC_METHOD:
      return fact.rpcMethod;
    case Dimension.DIMENSION_RPC_CODE:
      return fact.rpcCode;
    default:
      throw new RangeError(`dimension ${dimension}: is none`);
  }
}
