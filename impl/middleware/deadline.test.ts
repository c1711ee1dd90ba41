import { describe, expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { CompressedMessage } from "#impl/runtime/message.ts";
import { Code } from "#impl/runtime/status.ts";
import { testSchema, text } from "#impl/runtime/testing/echo-service.ts";
import { grpcFrame, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { deadline } from "./deadline.ts";

const policy = { deadline: { seconds: 2n } };
const methods = { unary: { policy }, expand: { responseStream: true, policy } } as const;
const body = grpcFrame(text.encode("").finish());

/** Handlers that never answer, ignoring their signal, under a clock that the test moves. */
async function startHanging(maxDeadlineMs = 10_000) {
  const clock = manualClock(systemClock.now());
  const calls: Call[] = [];
  const echo = await startEcho(
    methods,
    {
      unary(_, call) {
        calls.push(call);
        return new Promise(() => {});
      },
      async *expand(_, call) {
        calls.push(call);
        yield "one";
        await new Promise(() => {});
      },
    },
    { clock, limits: { drainGraceMs: 0 }, links: () => [deadline({ maxDeadlineMs })] },
  );
  const raw = await rawConnection(echo.server.address);
  return {
    clock,
    calls,
    echo,
    raw,
    async [Symbol.asyncDispose]() {
      await raw[Symbol.asyncDispose]();
      const disposed = echo[Symbol.asyncDispose]();
      await Promise.race([disposed, until(() => clock.pending > 0)]);
      clock.advance(1_000);
      clock.advance(1_000);
      await disposed;
    },
  };
}

describe("a deadline", () => {
  test.each([
    ["the policy's, when the caller states none", undefined, 10_000, 2_000],
    ["the caller's, when it is shorter", "500m", 10_000, 500],
    ["the caller's, when it is longer than the policy's", "5S", 10_000, 5_000],
    ["the server's, when the caller's is longer", "1H", 10_000, 10_000],
    ["the server's, when the policy's is longer", undefined, 1_000, 1_000],
  ])("is %s", async (_, timeout, maxMs, expectedMs) => {
    await using server = await startHanging(maxMs);
    const { clock, calls, raw } = server;
    const reply = raw.call(echoPath("unary"), body, timeout === undefined ? {} : { "grpc-timeout": timeout });
    await until(() => calls.length === 1);
    // The clock of the test stands still while grpc-js counts from the real time.
    expect(Math.abs((calls[0]?.remainingMs ?? 0) - expectedMs)).toBeLessThan(timeout === undefined ? 1 : 400);
    if (timeout === "500m") return void (await reply);
    clock.advance(expectedMs + 400);
    expect((await reply).headers["grpc-status"]).toBe(String(Code.DEADLINE_EXCEEDED));
  });

  test("that passes ends a unary call and a stream whose handlers hang, and leaves no timer", async () => {
    await using server = await startHanging();
    const { clock, calls, raw, echo } = server;
    const unary = raw.call(echoPath("unary"), body);
    const stream = raw.call(echoPath("expand"), body);
    await until(() => calls.length === 2);
    clock.advance(1_999);
    expect(echo.server.openCalls).toBe(2);
    clock.advance(1);
    expect(echo.server.openCalls).toBe(0);
    const [first, second] = await Promise.all([unary, stream]);
    expect(first.trailersOnly).toBe(true);
    expect(first.headers["grpc-status-details-bin"]).toBeTypeOf("string");
    expect(second.trailers["grpc-status"]).toBe(String(Code.DEADLINE_EXCEEDED));
    // What is left watches for requests that never arrive.
    clock.advance(120_000);
    expect(clock.pending).toBe(0);
  });

  test("that has passed before the start never runs the handler", async () => {
    let reached = 0;
    await using echo = await startEcho(
      { unary: {} },
      { unary: () => String(++reached) },
      { links: () => [deadline({ maxDeadlineMs: 10_000 })] },
    );
    await using raw = await rawConnection(echo.server.address);
    for (const timeout of ["0m", "0S", "1n"]) {
      const reply = await raw.call(echoPath("unary"), body, { "grpc-timeout": timeout });
      expect(reply.headers["grpc-status"]).toBe(String(Code.DEADLINE_EXCEEDED));
    }
    expect(reached).toBe(0);
    expect(echo.server.ended.every(({ status }) => status.code === Code.DEADLINE_EXCEEDED)).toBe(true);
  });

  test("of more milliseconds than 32 bits hold counts as none, and is not over at once", async () => {
    await using server = await startHanging();
    const { calls, raw, clock } = server;
    const reply = raw.call(echoPath("unary"), body, { "grpc-timeout": "1000H" });
    await until(() => calls.length === 1);
    // grpc-js ends such a call in its next turn of timers.
    await new Promise((resolve) => systemClock.after(20, () => resolve(undefined)));
    expect(calls[0]?.finished).toBe(false);
    expect(calls[0]?.remainingMs).toBe(2_000);
    clock.advance(2_000);
    expect((await reply).headers["grpc-status"]).toBe(String(Code.DEADLINE_EXCEEDED));
  });
});

test("a call that is answered at once costs no timer, however its answer looks", () => {
  const [method] = testSchema({ unary: {} }).methods.values();
  if (method === undefined) throw new Error("the schema has no method");
  const clock = manualClock();
  const environment = { clock, log: recordingLogger([]), boundary: createErrorBoundary({ domain: "d" }) };
  const link = deadline({ maxDeadlineMs: 1_000 });
  const timersFor = (output: ReturnType<Parameters<typeof link>[1]>): number => {
    const call = new Call(method, { get: () => undefined }, "", Number.POSITIVE_INFINITY, environment);
    link(method, () => output)(call, Buffer.of());
    const { pending } = clock;
    clock.advance(1_000);
    return pending;
  };
  expect(timersFor(Buffer.of())).toBe(0);
  expect(timersFor(new CompressedMessage("gzip", Buffer.of()))).toBe(0);
  expect(timersFor(Promise.resolve(Buffer.of()))).toBe(1);
});
