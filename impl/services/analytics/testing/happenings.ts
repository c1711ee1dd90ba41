// Occurrences as tests want them, with everything they do not care about filled in.
import { newId } from "#impl/runtime/ids.ts";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { type Fact, fact, type Occurrence } from "../occurrence.ts";
import { NOON } from "./analytics-fixture.ts";

/** An order of one product that was placed so many milliseconds after noon. */
export function order(ms: number, pence: bigint, changes: Partial<Fact> = {}): Occurrence {
  const dimensions = { currency: "GBP", country: "GB", status: "ORDER_STATUS_PENDING", ...changes };
  const { productId: _, ...whole } = dimensions;
  return {
    id: `order/${newId()}/placed`,
    time: NOON + ms,
    facts: [
      fact(Metric.METRIC_ORDERS, 1n, whole),
      fact(Metric.METRIC_REVENUE, pence, { productId: "lamp", ...dimensions }),
      fact(Metric.METRIC_UNITS, 1n, { productId: "lamp", ...dimensions }),
    ],
  };
}

/** Money that was taken. */
export function capture(ms: number, pence: bigint): Occurrence {
  const facts = [fact(Metric.METRIC_CAPTURED, pence, { currency: "GBP" })];
  return { id: `transaction/${newId()}`, time: NOON + ms, facts };
}
