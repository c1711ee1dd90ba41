import { beforeAll, describe, expect, test } from "vitest";
import { failure } from "#impl/client/testing/answers.ts";
import { Code } from "#impl/runtime/status.ts";
import {
  GetDashboardRequest,
  type GetDashboardResponse,
  Metric,
  type MetricSeries,
  ReportRpcFiguresRequest,
} from "#proto/ecommerce/v1/analytics.ts";

import { purgeRpcFigures } from "./rpc-figures.ts";
import { NOON, startAnalytics } from "./testing/analytics-fixture.ts";
import { capture, order } from "./testing/happenings.ts";
import { open, shortSeries, shorts } from "./testing/metrics-reading.ts";

const analytics = await startAnalytics();
const { client, tell, setTime } = analytics;
const MINUTE = 60_000;
const CREATE = "/ecommerce.v1.OrderService/CreateOrder";
const GET = "/ecommerce.v1.OrderService/GetOrder";

function ask(startMs: number, endMs: number, changes: object = {}): Promise<GetDashboardResponse> {
  const span = { startTime: new Date(NOON + startMs), endTime: new Date(NOON + endMs) };
  return client.getDashboard(GetDashboardRequest.fromPartial({ ...span, ...changes }));
}

function figures(startMs: number, counts: Readonly<Record<string, [Code, bigint]>>, instanceId = "one") {
  return ReportRpcFiguresRequest.fromPartial({
    instanceId,
    startTime: new Date(NOON + startMs),
    endTime: new Date(NOON + startMs + 10_000),
    figures: Object.entries(counts).map(([method, [code, count]]) => {
      const totalDuration = { seconds: 0n, nanos: Number(count) * 2_000_000 };
      return { method, code, count, totalDuration };
    }),
  });
}

const names = new Map(Object.entries(Metric).map(([name, value]) => [value, name.replace("METRIC_", "")]));
const named = (series: readonly MetricSeries[]): string[] =>
  series.map((each) => `${names.get(each.metric)} ${shortSeries(each)}`);

beforeAll(async () => {
  setTime(2 * 60 * MINUTE);
  const orders = [
    order(1 * MINUTE, 100n),
    order(3 * MINUTE, 250n, { productId: "chair" }),
    order(3 * MINUTE, 90n, { productId: "desk", currency: "EUR" }),
    order(-10 * MINUTE, 7n),
    order(10 * MINUTE, 1_000n),
  ];
  await tell("orders", orders, 8 * MINUTE);
  await tell("payments", [capture(4 * MINUTE, 60n)], 9 * MINUTE);
  const counts: Record<string, [Code, bigint]> = { [CREATE]: [Code.OK, 4n], [GET]: [Code.INTERNAL, 6n] };
  await client.reportRpcFigures(figures(2 * MINUTE, counts));
  await client.reportRpcFigures(figures(2 * MINUTE, { [GET]: [Code.OK, 4n] }, "two"));
});

describe("GetDashboard", () => {
  test("sums what happened in the span, and in the one before, by metric and currency", async () => {
    const { totals, previousTotals, asOfTime } = await ask(0, 10 * MINUTE);
    expect(named(totals)).toEqual([
      "ORDERS EUR=1",
      "ORDERS GBP=2",
      "REVENUE EUR=EUR90",
      "REVENUE GBP=GBP350",
      "UNITS EUR=1",
      "UNITS GBP=2",
      "CAPTURED GBP=GBP60",
      "RPC_CALLS 14",
      "RPC_ERRORS 6",
      "RPC_LATENCY 0.002",
    ]);
    expect(named(previousTotals)).toEqual(["ORDERS GBP=1", "REVENUE GBP=GBP7", "UNITS GBP=1"]);
    expect(asOfTime).toEqual(new Date(NOON + 2 * 60 * MINUTE));
  });

  test("shows a point for each step that is final, and the points add up to the totals", async () => {
    const { points } = await ask(0, 12 * MINUTE, { step: { seconds: 180n } });
    // All sources have told everything until 8 minutes after noon.
    expect(
      points.map(({ startTime, endTime }) => [startTime, endTime].map((at) => (at?.getTime() ?? 0) - NOON)),
    ).toEqual([
      [0, 3 * MINUTE],
      [3 * MINUTE, 6 * MINUTE],
    ]);
    expect(named(points[1]?.series ?? [])).toEqual([
      "ORDERS EUR=1",
      "ORDERS GBP=1",
      "REVENUE EUR=EUR90",
      "REVENUE GBP=GBP250",
      "UNITS EUR=1",
      "UNITS GBP=1",
      "CAPTURED GBP=GBP60",
    ]);
    expect(points.every(({ final }) => final)).toBe(true);
    const whole = await ask(0, 8 * MINUTE);
    expect(whole.points.length).toBe(8);
    const counts = whole.points
      .flatMap(({ series }) => series)
      .filter(({ metric }) => metric === Metric.METRIC_ORDERS);
    expect(counts.length).toBe(3);
  });

  test("names the products with most revenue and the RPCs with most calls", async () => {
    const { topProducts, topRpcs } = await ask(0, 9 * MINUTE);
    expect(named(topProducts)).toEqual(["REVENUE chair=GBP250", "REVENUE lamp=GBP100", "REVENUE desk=EUR90"]);
    expect(named(topRpcs)).toEqual([`RPC_CALLS ${GET}=10`, `RPC_CALLS ${CREATE}=4`]);
  });

  test("shows one currency when it is asked for one", async () => {
    const { totals, topProducts } = await ask(0, 10 * MINUTE, { currencyCode: "EUR" });
    expect(named(totals).filter((each) => !each.startsWith("RPC"))).toEqual([
      "ORDERS EUR=1",
      "REVENUE EUR=EUR90",
      "UNITS EUR=1",
    ]);
    expect(named(topProducts)).toEqual(["REVENUE desk=EUR90"]);
  });

  test("shows a span that is as long as time", async () => {
    const endTime = new Date(Date.UTC(9_999, 0));
    const startTime = new Date(-62_135_596_800_000);
    const ever = await client.getDashboard(GetDashboardRequest.fromPartial({ startTime, endTime }));
    expect(named(ever.totals)).toContain("ORDERS GBP=4");
    expect(ever.previousTotals).toEqual([]);
  });

  test("refuses a span of too many steps", async () => {
    const error = await failure(ask(0, 1_001 * MINUTE, { step: { seconds: 60n } }));
    expect(error.code).toBe(Code.INVALID_ARGUMENT);
  });
});

describe("ReportRpcFigures", () => {
  test("counts an interval once, however often it is told", async () => {
    const report = figures(30 * MINUTE, { [CREATE]: [Code.OK, 5n] });
    await Promise.all([1, 2, 3].map(() => client.reportRpcFigures(report)));
    const { totals } = await ask(25 * MINUTE, 35 * MINUTE);
    expect(named(totals)).toEqual(["RPC_CALLS 5", "RPC_LATENCY 0.002"]);
  });

  test("is seen by streams, at the last moment of the interval", async () => {
    setTime(50 * MINUTE);
    const stream = open(analytics, { metrics: [Metric.METRIC_RPC_CALLS, Metric.METRIC_RPC_ERRORS] });
    await client.reportRpcFigures(figures(50 * MINUTE, { [CREATE]: [Code.UNAVAILABLE, 5n] }));
    setTime(51 * MINUTE);
    expect(shorts(await stream.windows(1))).toEqual([`${50 * 60}s 5 5`]);
    stream.cancel();
  });

  test("refuses an interval that is to come, and one that is so old that it is forgotten", async () => {
    setTime(50 * MINUTE);
    const early = await failure(client.reportRpcFigures(figures(52 * MINUTE, {})));
    expect(early.details.badRequest?.fieldViolations[0]?.field).toBe("end_time");
    const old = await failure(client.reportRpcFigures(figures(-1_440 * MINUTE, {})));
    expect(old.details.badRequest?.fieldViolations[0]?.field).toBe("start_time");
  });

  test("forgets what is too old", async () => {
    const { database, clock } = analytics;
    await client.reportRpcFigures(figures(40 * MINUTE, { [CREATE]: [Code.OK, 1n] }, "three"));
    const retained = { database, clock, retentionMs: 11 * MINUTE };
    expect(await purgeRpcFigures(retained, AbortSignal.timeout(5_000))).toBe(4);
    expect(named((await ask(20 * MINUTE, 45 * MINUTE)).totals)).toEqual(["RPC_CALLS 1", "RPC_LATENCY 0.002"]);
  });
});
