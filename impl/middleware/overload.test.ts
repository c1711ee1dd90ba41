import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { newLoad } from "#impl/observability/limit-metrics.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { Code } from "#impl/runtime/status.ts";
import { grpcFrame, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { type OverloadOptions, overload } from "./overload.ts";

const methods = {
  unary: {},
  watch: { responseStream: true },
  collect: { requestStream: true },
} as const;

async function startBounded(options: Partial<OverloadOptions> = {}) {
  const load = newLoad();
  const gate = Promise.withResolvers<void>();
  const counts = { handled: 0 };
  const echo = await startEcho(
    methods,
    {
      async unary(request) {
        counts.handled += 1;
        if (request === "busy") spin(5);
        if (request === "wait") await gate.promise;
        return request;
      },
      async *watch(request) {
        yield request;
        await gate.promise;
      },
      collect: async (requests) => (await Array.fromAsync(requests)).join(""),
    },
    {
      links: () => [
        overload({
          clock: systemClock,
          calls: { min: 2, max: 2 },
          maxStreams: 2,
          turnMs: 60_000,
          load,
          ...options,
        }),
      ],
    },
  );
  return { echo, client: echo.client, load, gate, counts };
}

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("calls beyond the limit are UNAVAILABLE with a pushback, and the next is served when one has ended", async () => {
  const { echo, client, load, gate, counts } = await startBounded();
  await using _ = echo;
  const open = [client.unary("wait"), client.unary("wait")];
  await until(() => load.inFlight === 2);
  const error = await client.unary("").catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: Code.UNAVAILABLE, reason: "OVERLOADED" });
  const pushback = Number((error as CallError).trailers.get("grpc-retry-pushback-ms")[0]);
  expect(pushback).toBeGreaterThanOrEqual(100);
  expect(pushback).toBeLessThanOrEqual(200);
  expect((error as CallError).details.retryInfo?.retryDelay).toMatchObject({ seconds: 0n });
  expect(load.refused).toEqual({ calls: 1, turn: 0, streams: 0 });
  expect(counts.handled).toBe(2);
  gate.resolve();
  await Promise.all(open);
  await until(() => load.inFlight === 0);
  expect(await client.unary("again")).toBe("again");
});

test("pushbacks of callers that are refused together differ", async () => {
  const { echo, client, load, gate } = await startBounded();
  await using _ = echo;
  const open = [client.unary("wait"), client.unary("wait")];
  await until(() => load.inFlight === 2);
  const errors = await Promise.all(
    Array.from({ length: 8 }, () => client.unary("").catch((e: CallError) => e)),
  );
  const pushbacks = errors.map((error) =>
    String((error as CallError).trailers.get("grpc-retry-pushback-ms")),
  );
  expect(new Set(pushbacks).size).toBe(8);
  gate.resolve();
  await Promise.all(open);
});

test("streams are bounded by themselves, and take no place of other calls", async () => {
  const { echo, client, load, gate } = await startBounded();
  await using _ = echo;
  const streams = [Array.fromAsync(client.watch("a")), Array.fromAsync(client.watch("b"))];
  await until(() => load.streams === 2);
  await expect(client.collect(["c"])).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  expect(await client.unary("d")).toBe("d");
  gate.resolve();
  expect(await Promise.all(streams)).toEqual([["a"], ["b"]]);
  await until(() => load.streams === 0);
  expect(await client.collect(["c"])).toBe("c");
  expect(load.refused).toEqual({ calls: 0, turn: 0, streams: 1 });
});

test("a caller that leaves gives its place back when its handler ends, not before", async () => {
  const { echo, client, load, gate } = await startBounded();
  await using _ = echo;
  const controller = new AbortController();
  const left = client.unary("wait", { signal: controller.signal });
  left.catch(() => {});
  await until(() => load.inFlight === 1);
  controller.abort();
  await expect(left).rejects.toMatchObject({ code: Code.CANCELLED });
  await until(() => echo.server.openCalls === 0);
  expect(load.inFlight).toBe(1);
  gate.resolve();
  await until(() => load.inFlight === 0);
});

test("a process that is kept computing refuses what has waited, answers health meanwhile, and recovers", async () => {
  const { echo, client, load } = await startBounded({ calls: { min: 10_000, max: 10_000 }, turnMs: 10 });
  await using _ = echo;
  await using raw = await rawConnection(echo.server.address);
  const flood = (): Promise<unknown[]> =>
    Promise.all(
      Array.from({ length: 40 }, () =>
        client.unary("busy").catch((error: unknown) => (error instanceof CallError ? error.code : error)),
      ),
    );
  const health: Array<Promise<unknown>> = [];
  const answers: unknown[] = [];
  // Each is longer than a turn may be under overload; the first ones only show that it is no single one.
  while (load.refused.turn === 0) {
    health.push(raw.call("/grpc.health.v1.Health/Check", grpcFrame(new Uint8Array())));
    answers.push(...(await flood()));
  }
  expect(new Set(answers)).toEqual(new Set(["busy", Code.UNAVAILABLE]));
  for (const reply of await Promise.all(health))
    expect(reply).toMatchObject({ trailers: { "grpc-status": "0" } });
  await expect.poll(() => client.unary("again").catch(() => undefined)).toBe("again");
});

test("a refused call is not verified or decoded: bytes that are no message are refused for the load", async () => {
  const { echo, client, load, gate } = await startBounded();
  await using _ = echo;
  await using raw = await rawConnection(echo.server.address);
  const open = [client.unary("wait"), client.unary("wait")];
  await until(() => load.inFlight === 2);
  const reply = await raw.call(echoPath("unary"), grpcFrame(Buffer.of(0xff, 0xff)));
  expect(reply.headers["grpc-status"]).toBe(String(Code.UNAVAILABLE));
  gate.resolve();
  await Promise.all(open);
});
