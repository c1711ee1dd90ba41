// GetDashboard: sums and curves over a span, straight from what was counted.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "#impl/storage/database.ts";
import {
  Dimension,
  type GetDashboardRequest,
  type GetDashboardResponse,
  type MetricSeries,
  type MetricsWindow,
} from "#proto/ecommerce/v1/analytics.ts";
import { millisecondsOf } from "../shared/milliseconds.ts";
import { readRpcSums, readShopSums, readTopProducts, readTopRpcs, type StepSum } from "./dashboard-reads.ts";
import { seriesOf, windowMessage } from "./metric-series.ts";
import { readThrough, watermarkOf } from "./progress.ts";
import type { Span } from "./window-frame.ts";

export interface DashboardContext {
  readonly database: Database<unknown>;
  readonly clock: Clock;
}

const DEFAULT_POINTS = 60;
const SHORTEST_STEP_MS = 60_000;
const TOP = 20;
/** The first moment that a Timestamp can name. */
const EARLIEST = -62_135_596_800_000;

export async function getDashboard(
  { database, clock }: DashboardContext,
  request: GetDashboardRequest,
  signal: AbortSignal,
): Promise<GetDashboardResponse> {
  const span = spanOf(request);
  const { currencyCode: currency } = request;
  const previous = { start: Math.max(EARLIEST, 2 * span.start - span.end), end: span.start };
  const stepMs = millisecondsOf(request.step) ?? defaultStep(span);
  const asOfTime = new Date(clock.now());
  const [through, points, totalsBefore, products, rpcs] = await Promise.all([
    readThrough(database, signal),
    readSums(database, span, stepMs, currency, signal),
    readSums(database, previous, span.end - span.start, currency, signal),
    readTopProducts(database, span, currency, TOP, signal),
    readTopRpcs(database, span, TOP, signal),
  ]);
  const watermark = watermarkOf({ through: { ...through, rpc: clock.now() } }, ["orders", "payments", "rpc"]);
  return {
    totals: totalsOf(points),
    previousTotals: totalsOf(totalsBefore),
    points: curve(points, span, stepMs, watermark),
    topProducts: products.map((each) => seriesOf(each, [Dimension.DIMENSION_PRODUCT], [each.productId])),
    topRpcs: rpcs.map((each) => seriesOf(each, [Dimension.DIMENSION_RPC_METHOD], [each.method])),
    asOfTime,
  };
}

function spanOf({ startTime, endTime }: GetDashboardRequest): Span {
  if (startTime === undefined || endTime === undefined)
    throw new Error("the span is absent: the request was not validated");
  return { start: startTime.getTime(), end: endTime.getTime() };
}

/** In whole minutes. */
function defaultStep({ start, end }: Span): number {
  const minutes = Math.ceil((end - start) / DEFAULT_POINTS / SHORTEST_STEP_MS);
  return Math.max(1, minutes) * SHORTEST_STEP_MS;
}

async function readSums(
  database: Database<unknown>,
  span: Span,
  stepMs: number,
  currency: string,
  signal: AbortSignal,
): Promise<StepSum[]> {
  const [shop, rpc] = await Promise.all([
    readShopSums(database, span, stepMs, currency, signal),
    readRpcSums(database, span, stepMs, signal),
  ]);
  return [...shop, ...rpc];
}

/** One for each metric and currency. */
function totalsOf(sums: readonly StepSum[]): MetricSeries[] {
  const groups = Map.groupBy(sums, ({ metric, currency }) => `${metric} ${currency}`);
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const amount = group.reduce((total, each) => total + each.amount, 0n);
      const weight = group.reduce((total, each) => total + each.weight, 0n);
      return [{ ...first, amount, weight }];
    })
    .sort(byMetric)
    .map(withCurrency);
}

/** The steps that are final, those in which nothing happened too. The last is as long as the span has it. */
function curve(sums: readonly StepSum[], span: Span, stepMs: number, watermark: number): MetricsWindow[] {
  const byStep = Map.groupBy(sums, ({ step }) => step);
  const points: MetricsWindow[] = [];
  for (let step = 0, start = span.start; start < span.end; step += 1, start += stepMs) {
    const end = Math.min(start + stepMs, span.end);
    if (end > watermark) break;
    const series = (byStep.get(step) ?? []).sort(byMetric).map(withCurrency);
    points.push(windowMessage({ start, end }, watermark, { final: true, lateCount: 0n, series }));
  }
  return points;
}

function byMetric(one: StepSum, other: StepSum): number {
  return one.metric - other.metric || (one.currency < other.currency ? -1 : 1);
}

function withCurrency(sum: StepSum): MetricSeries {
  const split: [Dimension[], string[]] =
    sum.currency === "" ? [[], []] : [[Dimension.DIMENSION_CURRENCY], [sum.currency]];
  return seriesOf({ ...sum, unit: sum.currency }, ...split);
}
