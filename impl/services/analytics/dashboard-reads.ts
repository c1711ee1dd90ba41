// The SQL of dashboards. Times are those at which something happened.
import { sql } from "kysely";
import type { Database } from "#impl/storage/database.ts";
import { Metric } from "#proto/ecommerce/v1/analytics.ts";
import { minorUnitExponent } from "../shared/currency.ts";
import type { Figure } from "./metric-series.ts";
import { ERROR_CODES } from "./rpc-figures.ts";
import type { Span } from "./window-frame.ts";

/** The sum of a metric in one step of a span, counted from 0. */
export interface StepSum extends Omit<Figure, "unit"> {
  readonly step: number;
  /** "" for what has none. */
  readonly currency: string;
}

type Reader = Pick<Database<unknown>, "queries">;

const MOST = 2n ** 63n - 1n;

function within({ start, end }: Span) {
  return sql`time >= ${new Date(start)}::timestamptz and time < ${new Date(end)}::timestamptz`;
}

function stepOf({ start }: Span, stepMs: number) {
  return sql`floor((extract(epoch from time) * 1000 - ${start}) / ${stepMs})::integer`;
}

/** Of an empty currency: of all. */
function inCurrency(currency: string) {
  return currency === "" ? sql`` : sql`and currency = ${currency}`;
}

export async function readShopSums(
  { queries }: Reader,
  span: Span,
  stepMs: number,
  currency: string,
  signal: AbortSignal,
): Promise<StepSum[]> {
  const { rows } = await sql<Omit<StepSum, "amount" | "weight"> & { readonly total: string }>`
    select ${stepOf(span, stepMs)} as step, metric, currency, sum(amount)::text as total
    from analytics.facts where ${within(span)} ${inCurrency(currency)}
    group by 1, 2, 3`.execute(queries, { signal });
  return rows.map(({ total, ...each }) => ({ ...each, amount: bounded(total), weight: 0n }));
}

export async function readRpcSums(
  { queries }: Reader,
  span: Span,
  stepMs: number,
  signal: AbortSignal,
): Promise<StepSum[]> {
  const { rows } = await sql<{
    readonly step: number;
    readonly calls: string;
    readonly errors: string;
    readonly nanoseconds: string;
  }>`
    select ${stepOf(span, stepMs)} as step, sum(calls)::text as calls, sum(nanoseconds)::text as nanoseconds,
      coalesce(sum(calls) filter (where code = any(${ERROR_CODES}::smallint[])), 0)::text as errors
    from analytics.rpc_figures where ${within(span)} group by 1`.execute(queries, { signal });
  return rows.flatMap(({ step, calls, errors, nanoseconds }) => {
    const sum = { step, currency: "", weight: 0n };
    const latency = { amount: BigInt(nanoseconds), weight: BigInt(calls) };
    return [
      { ...sum, metric: Metric.METRIC_RPC_CALLS, amount: bounded(calls) },
      ...(errors === "0" ? [] : [{ ...sum, metric: Metric.METRIC_RPC_ERRORS, amount: bounded(errors) }]),
      { ...sum, metric: Metric.METRIC_RPC_LATENCY, ...latency },
    ];
  });
}

/** Of different currencies amounts are compared by their numbers, in whole units: which is worth more is not known here. */
export async function readTopProducts(
  { queries }: Reader,
  span: Span,
  currency: string,
  count: number,
  signal: AbortSignal,
): Promise<(Figure & { readonly productId: string })[]> {
  const { rows } = await sql<{ productId: string; unit: string; total: string }>`
    select "productId", unit, total::text from (
      select product_id as "productId", currency as unit, sum(amount) as total,
        row_number() over (partition by currency order by sum(amount) desc, product_id) as place
      from analytics.facts
      where metric = ${Metric.METRIC_REVENUE} and product_id <> '' and ${within(span)} ${inCurrency(currency)}
      group by 1, 2
    ) as product where place <= ${count}`.execute(queries, { signal });
  const units = ({ unit, amount }: Figure): number => Number(amount) / 10 ** (minorUnitExponent(unit) ?? 0);
  return rows
    .map(({ productId, unit, total }) => ({
      metric: Metric.METRIC_REVENUE,
      productId,
      unit,
      amount: bounded(total),
      weight: 0n,
    }))
    .sort((one, other) => units(other) - units(one) || (one.productId < other.productId ? -1 : 1))
    .slice(0, count);
}

export async function readTopRpcs(
  { queries }: Reader,
  span: Span,
  count: number,
  signal: AbortSignal,
): Promise<(Figure & { readonly method: string })[]> {
  const { rows } = await sql<{ method: string; calls: string }>`
    select method, sum(calls)::text as calls from analytics.rpc_figures where ${within(span)}
    group by method order by sum(calls) desc, method limit ${count}`.execute(queries, { signal });
  return rows.map(({ method, calls }) => ({
    metric: Metric.METRIC_RPC_CALLS,
    method,
    unit: "",
    amount: bounded(calls),
    weight: 0n,
  }));
}

/** The contract's counts have 64 bits, which a sum of them could exceed. */
function bounded(sum: string): bigint {
  const value = BigInt(sum);
  return value > MOST ? MOST : value;
}
