import { Client, credentials, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { deadline } from "#impl/middleware/deadline.ts";
import type { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { Code, DETAILS_KEY } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { createClient } from "./client.ts";
import { startEcho } from "./testing/echo.ts";

const methods = {
  unary: { policy: { deadline: { seconds: 7n } } },
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
} as const;
type Kind = keyof typeof methods;
const kinds = Object.keys(methods) as Kind[];

/** A server whose handlers wait until their call ends, and keep the call. */
async function startHanging() {
  const calls: Call[] = [];
  const hang = (call: Call): Promise<never> => {
    calls.push(call);
    return new Promise((_, reject) =>
      call.signal.addEventListener("abort", () => reject(call.signal.reason)),
    );
  };
  const echo = await startEcho(methods, {
    unary: (_, call) => hang(call),
    async *expand(_, call) {
      yield "one";
      await hang(call);
    },
    collect: (_, call) => hang(call),
    async *chat(_, call) {
      yield "one";
      await hang(call);
    },
  });
  const { client } = echo;
  const start: Record<
    Kind,
    (options: { signal?: AbortSignal; parent?: Call; deadlineMs?: number }) => Promise<unknown>
  > = {
    unary: (options) => client.unary("", options),
    expand: (options) => Array.fromAsync(client.expand("", options)),
    collect: (options) => client.collect(["a"], options),
    chat: (options) => Array.fromAsync(client.chat(["a"], options)),
  };
  return { echo, calls, start };
}

describe("deadlines", () => {
  test("a call has the deadline asked for, else its policy's", async () => {
    const { echo, calls, start } = await startHanging();
    await using _ = echo;
    const controller = new AbortController();
    const waiting = [
      start.unary({ signal: controller.signal }),
      start.unary({ signal: controller.signal, deadlineMs: 3_000 }),
    ];
    await until(() => calls.length === 2);
    const [byPolicy, own] = calls.map((call) => call.remainingMs);
    expect(byPolicy).toBeGreaterThan(3_500);
    expect(byPolicy).toBeLessThanOrEqual(7_000);
    expect(own).toBeLessThanOrEqual(3_000);
    controller.abort();
    await Promise.allSettled(waiting);
  });

  test.each(kinds)("%s: a deadline that passes is DEADLINE_EXCEEDED on both sides", async (kind) => {
    const { echo, calls, start } = await startHanging();
    await using _ = echo;
    await expect(start[kind]({ deadlineMs: 60 })).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
    await until(() => echo.server.openCalls === 0);
    for (const call of calls) expect([Code.DEADLINE_EXCEEDED, Code.CANCELLED]).toContain(call.status?.code);
  });

  test.each(kinds)("%s: a call on behalf of another ends no later, and with it", async (kind) => {
    const { echo, calls, start } = await startHanging();
    await using _ = echo;
    let parentDeadline = 0;
    await using upstream = await startEcho(
      { unary: {} },
      {
        unary: async (_, call) => {
          parentDeadline = call.deadlineAt;
          await start[kind]({ parent: call });
          return "";
        },
      },
      { links: () => [deadline({ maxDeadlineMs: 60_000 })] },
    );
    const controller = new AbortController();
    const call = upstream.client.unary("", { deadlineMs: 2_000, signal: controller.signal });
    call.catch(() => {});
    await until(() => calls.length === 1);
    // Rounded to milliseconds, and counted from the arrival on the same machine.
    expect(calls[0]?.deadlineAt).toBeLessThanOrEqual(parentDeadline + 50);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
    await until(() => echo.server.openCalls === 0);
    expect(calls[0]?.status?.code).toBe(Code.CANCELLED);
  });
});

describe("cancellation", () => {
  test.each(kinds)("%s: a signal cancels the call on both sides", async (kind) => {
    const { echo, calls, start } = await startHanging();
    await using _ = echo;
    const controller = new AbortController();
    const call = start[kind]({ signal: controller.signal });
    call.catch(() => {});
    await until(() => calls.length === 1);
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
    await until(() => calls[0]?.signal.aborted === true);
  });

  test.each(kinds)("%s: a signal that was aborted before never reaches the server", async (kind) => {
    const { echo, calls, start } = await startHanging();
    await using _ = echo;
    await expect(start[kind]({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: Code.CANCELLED,
    });
    expect(calls).toEqual([]);
  });

  test("a reader that stops cancels the stream", async () => {
    const { echo, calls } = await startHanging();
    await using _ = echo;
    for await (const message of echo.client.expand("")) {
      expect(message).toBe("one");
      await until(() => calls.length === 1);
      break;
    }
    await until(() => calls[0]?.status?.code === Code.CANCELLED);
  });

  test("a signal that many calls share is let go by each of them", async () => {
    await using echo = await startEcho({ unary: {} }, { unary: (request) => request });
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await Promise.all(Array.from({ length: 50 }, () => echo.client.unary("", { signal })));
    expect(listeners).toBe(0);
  });
});

describe("request producers", () => {
  test.each(["collect", "chat"] as const)(
    "%s: one that throws cancels the call and its caller gets the error",
    async (kind) => {
      const { echo, calls } = await startHanging();
      await using _ = echo;
      const error = new Error("no more");
      async function* produce(): AsyncGenerator<string> {
        yield "a";
        await until(() => calls.length === 1);
        throw error;
      }
      const call =
        kind === "collect" ? echo.client.collect(produce()) : Array.fromAsync(echo.client.chat(produce()));
      await expect(call).rejects.toBe(error);
      await until(() => echo.server.openCalls === 0);
      expect(calls[0]?.status?.code).toBe(Code.CANCELLED);
    },
  );

  test.each(["collect", "chat"] as const)(
    "%s: one whose call ends while a write waits is told",
    async (kind) => {
      const { echo, calls } = await startHanging();
      await using _ = echo;
      let told = false;
      async function* endless(): AsyncGenerator<string> {
        try {
          for (;;) yield "x".repeat(100_000);
        } finally {
          told = true;
        }
      }
      const controller = new AbortController();
      const { signal } = controller;
      const call =
        kind === "collect"
          ? echo.client.collect(endless(), { signal })
          : Array.fromAsync(echo.client.chat(endless(), { signal }));
      call.catch(() => {});
      await until(() => calls.length === 1);
      controller.abort();
      await expect(call).rejects.toMatchObject({ code: Code.CANCELLED });
      await until(() => told);
    },
  );
});

test("a stream that fails before anyone reads it does not end the process, and fails when it is read", async () => {
  await using echo = await startEcho(
    { expand: { responseStream: true } },
    {
      async *expand() {
        yield "one";
        throw notFound("shop.v1.Widget", "w1");
      },
    },
  );
  const stream = echo.client.expand("");
  await until(() => echo.server.ended.length === 1);
  await new Promise((resolve) => setImmediate(resolve));
  const received: string[] = [];
  const reading = (async () => {
    for await (const message of stream) received.push(message);
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
  expect(received).toEqual(["one"]);
});

test("details that do not decode hide neither the status nor its message", async () => {
  const server = new Server();
  const identity = (bytes: Buffer): Buffer => bytes;
  server.register(
    "/testing.v1.EchoService/unary",
    (_: unknown, callback: (error: object) => void) => {
      const metadata = new Metadata();
      metadata.set(DETAILS_KEY, Buffer.from([0xff, 0xff, 0xff]));
      callback({ code: 5, details: "gone", metadata });
    },
    identity,
    identity,
    "unary",
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const channel = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const definition = echoDefinition({ unary: {} });
  const client = createClient(definition, { channel, schema: testSchema({ unary: {} }), clock: systemClock });
  await expect(client.unary("")).rejects.toMatchObject({ code: Code.NOT_FOUND, reason: "", details: {} });
  channel.close();
  await new Promise((resolve) => server.tryShutdown(resolve));
});

test("a service that the schema does not know is refused", () => {
  const channel = new Client("127.0.0.1:1", credentials.createInsecure());
  expect(() =>
    createClient(echoDefinition({ other: {} }), {
      channel,
      schema: testSchema({ unary: {} }),
      clock: systemClock,
    }),
  ).toThrow("/testing.v1.EchoService/other is not in the schema");
  channel.close();
});

test("closing a channel leaves no socket", async () => {
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
  await until(() => sockets() === 0);
  const echo = await startEcho({ unary: {} }, { unary: (request) => request });
  await echo.client.unary("a");
  expect(sockets()).toBeGreaterThan(0);
  echo.channel.close();
  await until(() => sockets() === 0);
  await echo.server.drain();
});
