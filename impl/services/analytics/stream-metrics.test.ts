import { describe, expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { Dimension, Metric } from "#proto/ecommerce/v1/analytics.ts";
import { type AnalyticsServer, NOON, startAnalytics } from "./testing/analytics-fixture.ts";
import { capture, order } from "./testing/happenings.ts";
import { type Asked, open as read, short, shorts } from "./testing/metrics-reading.ts";

const analytics = await startAnalytics();
const { tell, setTime } = analytics;

const open = (changes: Asked, server: AnalyticsServer = analytics) => read(server, changes);

describe("StreamMetrics", () => {
  test("sends each window in which something happened once, when the watermark has passed its end", async () => {
    setTime(1_000);
    const stream = open({});
    await tell("orders", [order(1_000, 100n), order(12_000, 200n), order(2_000, 50n)], 12_500);
    const [first] = await stream.windows(1);
    expect(first && short(first.window)).toBe("0s 2 GBP150");
    expect(first?.window).toMatchObject({ final: true, lateCount: 0n, endTime: new Date(NOON + 10_000) });
    expect(first?.window.watermarkTime).toEqual(new Date(NOON + 12_500));
    await tell("orders", [order(3_000, 1n), order(45_000, 7n)], 60_000);
    const rest = await stream.windows(2);
    expect(shorts(rest)).toEqual(["10s 1 GBP200", "40s 1 GBP7"]);
    expect(rest.map(({ window }) => window.lateCount)).toEqual([1n, 1n]);
    stream.cancel();
  });

  test("begins with the window that is now, and what happened in it before", async () => {
    setTime(100_000);
    await tell("orders", [order(95_000, 1n), order(101_000, 2n)], 60_000);
    const stream = open({});
    setTime(102_000);
    await tell("orders", [order(102_000, 4n)], 111_000);
    expect(shorts(await stream.windows(1))).toEqual(["100s 2 GBP6"]);
    stream.cancel();
  });

  test("waits for the slowest of the sources that its metrics come from", async () => {
    setTime(200_000);
    const stream = open({ metrics: [Metric.METRIC_ORDERS, Metric.METRIC_CAPTURED] });
    await tell("orders", [order(201_000, 1n)], 240_000);
    await tell("payments", [capture(202_000, 5n)], 205_000);
    const next = stream.windows(1);
    await tell("payments", [capture(206_000, 6n)], 212_000);
    expect(shorts(await next)).toEqual(["200s 1 GBP11"]);
    stream.cancel();
  });

  test("splits by what was asked for, and cuts time as was asked for", async () => {
    setTime(305_000);
    const stream = open({
      dimensions: [Dimension.DIMENSION_COUNTRY, Dimension.DIMENSION_CURRENCY],
      window: { size: { seconds: 10n }, slide: { seconds: 5n } },
    });
    await tell(
      "orders",
      [order(301_000, 1n), order(306_000, 2n, { country: "FR", currency: "EUR" })],
      320_000,
    );
    expect(shorts(await stream.windows(2))).toEqual([
      "300s FR/EUR=1 GB/GBP=1 FR/EUR=EUR2 GB/GBP=GBP1",
      "305s FR/EUR=1 FR/EUR=EUR2",
    ]);
    stream.cancel();
  });

  test("adds up the rarest combinations beyond the limit, and loses nothing of them", async () => {
    setTime(400_000);
    const small = await analytics.startServer({ limits: { combinations: 2, sums: 100 } });
    const stream = open(
      { dimensions: [Dimension.DIMENSION_PRODUCT], metrics: [Metric.METRIC_REVENUE] },
      small,
    );
    const orders = ["a", "b", "a", "c", "b", "d"].map((productId, n) =>
      order(400_000 + n, 1n, { productId }),
    );
    await tell("orders", orders, 411_000);
    expect(shorts(await stream.windows(1))).toEqual(["400s a=GBP2 b=GBP2 others=GBP2"]);
    stream.cancel();
  });

  test("breaks its silence with heartbeats, whose tokens go on", async () => {
    setTime(500_000);
    const stream = open({ heartbeatInterval: { seconds: 1n } });
    const { event, resumeToken } = await stream.next();
    expect(event?.$case).toBe("heartbeat");
    stream.cancel();
    await tell("orders", [order(501_000, 3n)], 520_000);
    const resumed = open({ resumeToken, heartbeatInterval: { seconds: 1n } });
    expect(shorts(await resumed.windows(1))).toEqual(["500s 1 GBP3"]);
    resumed.cancel();
  });

  test("refuses a token of other arguments", async () => {
    setTime(600_000);
    const stream = open({});
    await tell("orders", [order(601_000, 3n)], 620_000);
    const [told] = await stream.windows(1);
    stream.cancel();
    const other = open({ resumeToken: told?.resumeToken ?? "", window: { size: { seconds: 11n } } });
    const error = await other.next().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CallError);
    expect(error).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });
});
