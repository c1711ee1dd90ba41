import { describe, expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import { createErrorBoundary } from "./boundary.ts";
import { Call } from "./call.ts";
import { Code, OK } from "./status.ts";
import { testSchema, text } from "./testing/echo-service.ts";
import { grpcFrame, rawConnection } from "./testing/raw-client.ts";
import { type LogLine, recordingLogger } from "./testing/test-server.ts";
import { until } from "./testing/turns.ts";

const [method] = testSchema({ unary: {} }).methods.values();

function newCall(deadlineInMs = Number.POSITIVE_INFINITY) {
  if (method === undefined) throw new Error("the schema has no method");
  const clock = manualClock();
  const log: LogLine[] = [];
  const boundary = createErrorBoundary({ domain: "testing.example.com" });
  const environment = { clock, log: recordingLogger(log), boundary };
  const call = new Call(method, { get: () => undefined }, "peer", clock.now() + deadlineInMs, environment);
  return { call, clock, log };
}

describe("the end of a call", () => {
  test("comes once: what follows has no effect", () => {
    const { call } = newCall();
    const codes: Code[] = [];
    call.onFinish((_, status) => codes.push(status.code));
    call.finish(OK);
    call.fail(new Error("late"));
    call.expire();
    call.abandon();
    call.finish(OK);
    expect(codes).toEqual([Code.OK]);
    expect(call.signal.aborted).toBe(false);
  });

  test("is told to listeners in order, to a late one at once, and to the others when one throws", () => {
    const { call, log } = newCall();
    const heard: string[] = [];
    call.onFinish(() => heard.push("first"));
    call.onFinish(() => {
      throw new Error("listener");
    });
    call.onFinish(() => heard.push("third"));
    call.fail(undefined);
    call.onFinish((_, status) => heard.push(`late ${status.code}`));
    expect(heard).toEqual(["first", "third", `late ${Code.INTERNAL}`]);
    expect(log.map(({ message }) => message)).toEqual(["a finish listener threw"]);
  });

  test.each([
    ["asked for before", true],
    ["asked for after", false],
  ])("aborts a signal %s with the error as its reason", (_, before) => {
    const { call } = newCall();
    if (before) expect(call.signal.aborted).toBe(false);
    const error = new Error("why");
    call.fail(error);
    expect(call.signal.reason).toBe(error);
  });

  test("takes the timer of the deadline away", () => {
    const { call, clock } = newCall(1_000);
    call.armDeadline();
    call.armDeadline();
    expect(clock.pending).toBe(1);
    call.finish(OK);
    call.armDeadline();
    expect(clock.pending).toBe(0);
  });

  test("of a call that its caller left is CANCELLED before the deadline and DEADLINE_EXCEEDED after it", () => {
    const early = newCall(1_000);
    early.clock.advance(999);
    expect(early.call.remainingMs).toBe(1);
    early.call.abandon();
    expect(early.call.status?.code).toBe(Code.CANCELLED);
    const late = newCall(1_000);
    late.clock.advance(1_000);
    late.call.abandon();
    expect(late.call.status?.code).toBe(Code.DEADLINE_EXCEEDED);
    expect(late.call.remainingMs).toBe(0);
  });
});

const methods = {
  unary: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
} as const;

/** Every handler waits for its signal; what it saw is noted when its `finally` runs. */
async function startWaiting() {
  const seen: string[] = [];
  const aborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  const drained = async (requests: AsyncIterable<string>): Promise<void> => {
    for await (const request of requests) seen.push(`got ${request}`);
  };
  const echo = await startEcho(methods, {
    async unary(_, call) {
      return aborted(call.signal).finally(() => seen.push(String(call.status?.code)));
    },
    async *expand(_, call) {
      try {
        yield "one";
        await aborted(call.signal);
      } finally {
        seen.push(String(call.status?.code));
      }
    },
    async collect(requests, call) {
      // The iterator itself rejects: no look at the signal is needed.
      await drained(requests).finally(() => seen.push(String(call.status?.code)));
      return "";
    },
    async *chat(requests, call) {
      yield "one";
      await drained(requests).finally(() => seen.push(String(call.status?.code)));
    },
  });
  return { echo, seen };
}

describe("a caller that gives up", () => {
  const names = ["unary", "expand", "collect", "chat"] as const;
  const body = grpcFrame(text.encode("a").finish());
  test.each(
    names.flatMap((name) => (["reset", "destroy", "cut"] as const).map((how) => [name, how] as const)),
  )("%s: a %s reaches the handler, whose finally runs", async (name, how) => {
    const { echo, seen } = await startWaiting();
    await using _ = echo;
    await using raw = await rawConnection(echo.server.address);
    const stream = raw.open(echoPath(name));
    stream.write(body);
    const streamed = name === "collect" || name === "chat";
    if (!streamed) stream.end();
    await until(() => (streamed ? seen.includes("got a") : echo.server.openCalls === 1));
    if (name === "expand") await new Promise((resolve) => stream.once("data", resolve));
    // The first is what Node's client does, end and reset; the second what others do, reset alone.
    if (how === "reset") stream.close(8);
    else if (how === "destroy") stream.destroy();
    else raw.cut();
    await until(() => seen.includes(String(Code.CANCELLED)));
    expect(echo.server.openCalls).toBe(0);
    expect(echo.server.ended.map(({ status }) => status.code)).toEqual([Code.CANCELLED]);
  });
});

test("a unary call that is reset before its end never reaches the handler", async () => {
  let reached = 0;
  await using echo = await startEcho({ unary: {} }, { unary: () => String(++reached) });
  await using raw = await rawConnection(echo.server.address);
  const stream = raw.open(echoPath("unary"));
  stream.write(grpcFrame(text.encode("a").finish()));
  await until(() => echo.server.openCalls === 1);
  // `close` would end the stream first, and the request would be whole.
  stream.destroy();
  await until(() => echo.server.openCalls === 0);
  expect(reached).toBe(0);
});

test("an answer that comes after the call has ended is dropped", async () => {
  const late = Promise.withResolvers<string>();
  await using echo = await startEcho({ unary: {} }, { unary: () => late.promise });
  const controller = new AbortController();
  const call = echo.client.unary("", { signal: controller.signal });
  await until(() => echo.server.openCalls === 1);
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
  await until(() => echo.server.openCalls === 0);
  late.resolve("late");
  await late.promise;
  expect(echo.server.ended.map(({ status, call }) => [status.code, call.sentBytes])).toEqual([
    [Code.CANCELLED, 0],
  ]);
});
