// Something that happened and counts once, whoever tells of it and however often, with the facts that it is for the figures.
import { Metric } from "#proto/ecommerce/v1/analytics.ts";

/** Where occurrences come from: the events of orders, those of payments, and what processes report of their RPCs. */
export type Source = "orders" | "payments" | "rpc";

export interface Fact {
  readonly metric: Metric;
  /** ISO 4217; "" for what has none. The other dimensions likewise. */
  readonly currency: string;
  readonly country: string;
  readonly productId: string;
  /** The name of an OrderStatus. */
  readonly status: string;
  readonly rpcMethod: string;
  /** The name of a status code. */
  readonly rpcCode: string;
  /** A count, money in minor units, or nanoseconds. */
  readonly amount: bigint;
  /** Of a latency the calls that it is the sum of; else 0. */
  readonly weight: bigint;
}

export interface Occurrence {
  /** By which a repeat is known. */
  readonly id: string;
  /** When it happened, milliseconds since the epoch. */
  readonly time: number;
  readonly facts: readonly Fact[];
}

const NOTHING: Omit<Fact, "metric" | "amount"> = {
  currency: "",
  country: "",
  productId: "",
  status: "",
  rpcMethod: "",
  rpcCode: "",
  weight: 0n,
};

/** A fact with the dimensions that are given. */
export function fact(metric: Metric, amount: bigint, dimensions: Partial<Fact> = {}): Fact {
  return { ...NOTHING, ...dimensions, metric, amount };
}

const MONEY: ReadonlySet<Metric> = new Set([
  Metric.METRIC_REVENUE,
  Metric.METRIC_CAPTURED,
  Metric.METRIC_REFUNDED,
]);

export function isMoney(metric: Metric): boolean {
  return MONEY.has(metric);
}

export function sourceOf(metric: Metric): Source {
  switch (metric) {
    case Metric.METRIC_CAPTURED:
    case Metric.METRIC_REFUNDED:
    case Metric.METRIC_DECLINED_PAYMENTS:
      return "payments";
    case Metric.METRIC_RPC_CALLS:
    case Metric.METRIC_RPC_ERRORS:
    case Metric.METRIC_RPC_LATENCY:
      return "rpc";
    default:
      return "orders";
  }
}
