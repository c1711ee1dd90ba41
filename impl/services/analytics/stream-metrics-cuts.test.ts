import { afterEach, describe, expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { Dimension, Metric, type MetricsWindow } from "#proto/ecommerce/v1/analytics.ts";
import { type AnalyticsServer, NOON, startAnalytics } from "./testing/analytics-fixture.ts";
import { order } from "./testing/happenings.ts";
import { open, type Reading, shorts } from "./testing/metrics-reading.ts";

const analytics = await startAnalytics({}, { slowConsumerMs: 1_000, queueEvents: 8 });
const { tell, setTime } = analytics;

interface Cut {
  readonly server: AnalyticsServer;
  readonly reading: Reading;
}

/** Each cuts a stream off and gives the server to go on at. */
const CUTS: Readonly<Record<string, (cut: Cut) => Promise<AnalyticsServer>>> = {
  async "its caller cancels"({ server, reading }) {
    reading.cancel();
    return server;
  },
  async "its connection breaks"({ server, reading }) {
    server.link.cut();
    await reading.failure();
    return server;
  },
  async "its server drains"({ server, reading }) {
    const next = await analytics.startServer();
    const failure = reading.failure();
    await server.stop();
    expect((await failure).code).toBe(Code.UNAVAILABLE);
    return next;
  },
};

let time = 0;
afterEach(() => {
  time += 1_000_000;
});

const ROUNDS = 6;
const SLIDING = { size: { seconds: 10n }, slide: { seconds: 4n } };

/** Two orders in each round, 3 s and 1 s before the watermark of the next; what is late never comes. */
async function write(): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    const at = time + round * 4_000;
    await tell("orders", [order(at - 3_000, 1n), order(at - 1_000, 2n)], at - 4_000);
  }
  await tell("orders", [], time + 1_000 * (ROUNDS * 4 + 20));
}

/** How many orders a window holds in the end. */
function truth({ startTime, endTime }: MetricsWindow): number {
  const [start = 0, end = 0] = [startTime?.getTime(), endTime?.getTime()];
  const times = Array.from({ length: ROUNDS }, (_, n) => NOON + time + (n + 1) * 4_000).flatMap((at) => [
    at - 3_000,
    at - 1_000,
  ]);
  return times.filter((at) => at >= start && at < end).length;
}

function count({ series }: MetricsWindow): number {
  const [orders] = series;
  return orders?.value?.$case === "count" ? Number(orders.value.value) : 0;
}

/** Cuts after every message, until the last window is final. */
async function readInPieces(cut: (cut: Cut) => Promise<AnalyticsServer>): Promise<MetricsWindow[]> {
  const end = NOON + time + ROUNDS * 4_000;
  const windows: MetricsWindow[] = [];
  let server = await analytics.startServer();
  let resumeToken = "";
  for (;;) {
    const reading = open(server, { window: SLIDING, includePartial: true, resumeToken });
    const message = await reading.next();
    resumeToken = message.resumeToken;
    server = await cut({ server, reading });
    if (message.event?.$case !== "window") continue;
    windows.push(message.event.value);
    if (message.event.value.final && (message.event.value.endTime?.getTime() ?? 0) >= end) return windows;
  }
}

describe.each(Object.keys(CUTS))("a stream that is cut off after every message because %s", (name) => {
  test("has no gap and nothing twice", { timeout: 60_000 }, async () => {
    setTime(time);
    const cut = CUTS[name];
    if (cut === undefined) throw new Error(name);
    const [windows] = await Promise.all([readInPieces(cut), write()]);
    const final = windows.filter((window) => window.final);
    expect(final.map(count)).toEqual(final.map(truth));
    const starts = final.map(({ startTime = new Date(0) }) => startTime.getTime() - NOON - time);
    expect(starts).toEqual(Array.from(starts, (_, n) => (starts[0] ?? 0) + n * 4_000));
    expect(final.map(({ lateCount }) => lateCount)).toEqual(final.map(() => 0n));
    for (const [start, told] of Map.groupBy(windows, ({ startTime }) => startTime?.getTime())) {
      const counts = told.filter((each) => !each.final).map(count);
      // A window that fills is told again only when it has changed, and not once it is final.
      expect(counts, String(start)).toEqual([...new Set(counts)].sort((one, other) => one - other));
      expect(told.slice(0, -1).some((each) => each.final)).toBe(false);
    }
  });
});

test("what came late before a cut is counted late after it, and what came late meanwhile is, too", async () => {
  setTime(time);
  const first = open(analytics);
  await tell("orders", [order(time + 1_000, 1n)], time + 11_000);
  const [told] = await first.windows(1);
  first.cancel();
  await tell("orders", [order(time + 2_000, 1n), order(time + 12_000, 1n)], time + 21_000);
  const [next] = await open(analytics, { resumeToken: told?.resumeToken ?? "" }).windows(1);
  expect(next?.window).toMatchObject({ lateCount: 1n, startTime: new Date(NOON + time + 10_000) });
  await tell("orders", [order(time + 32_000, 1n)], time + 41_000);
  const [last] = await open(analytics, { resumeToken: next?.resumeToken ?? "" }).windows(1);
  expect(last?.window.lateCount).toBe(1n);
});

test("a drained stream that had sent nothing names its place too", async () => {
  setTime(time);
  const server = await analytics.startServer();
  const reading = open(server);
  await until(() => server.server.openCalls === 1);
  await tell("orders", [order(time + 1_000, 1n)]);
  const failure = reading.failure();
  await server.stop();
  const token = String((await failure).trailers.get("resume-token")[0] ?? "");
  await tell("orders", [order(time + 2_000, 1n)], time + 20_000);
  expect(shorts(await open(analytics, { resumeToken: token }).windows(1))).toEqual([
    `${time / 1_000}s 2 GBP2`,
  ]);
});

test("a reader that does not read is ended, and loses nothing", async () => {
  setTime(time);
  const server = await analytics.startServer();
  const asked = {
    dimensions: [Dimension.DIMENSION_PRODUCT],
    metrics: [Metric.METRIC_UNITS],
    includePartial: true,
  };
  const slow = open(server, asked);
  const [begun] = await Promise.all([slow.next(), tell("orders", [order(time, 1n)])]);
  const long = (n: number): string => `${n} ${"x".repeat(1_000)}`;
  let told = 1;
  for (; server.server.ended.length === 0; told++) {
    await tell(
      "orders",
      Array.from({ length: 10 }, (_, n) => order(time + told, 1n, { productId: long(n + 10 * (told % 20)) })),
    );
  }
  expect(server.server.ended[0]?.status).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  const error = await slow.failure();
  expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW_CONSUMER" });
  await tell("orders", [], time + 20_000);
  const resumed = open(analytics, { ...asked, resumeToken: String(error.trailers.get("resume-token")[0]) });
  for (;;) {
    const [next] = await resumed.windows(1);
    if (next?.window.final !== true) continue;
    const units = next.window.series.map(({ value }) => (value?.$case === "count" ? Number(value.value) : 0));
    expect(units.reduce((one, other) => one + other, 0)).toBe(1 + (told - 1) * 10);
    break;
  }
  resumed.cancel();
  expect(begun.event?.$case).toBe("window");
});
