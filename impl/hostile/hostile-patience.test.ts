// Callers who take their time, or leave in the middle: each wait has an end, and what a caller leaves behind is gone when he is.
import { connect } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "#impl/client/client.ts";
import type { EchoOptions } from "#impl/client/testing/echo.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { echoDefinition, text } from "#impl/runtime/testing/echo-service.ts";
import { settled, until } from "#impl/runtime/testing/turns.ts";
import { encodeMessage } from "#wire/grpc-message.ts";
import { call, data, lastData, message, NOTHING, open, PREFACE } from "./testing/hostile-frames.ts";
import { expectHealthy, type HostileServer, METHODS, startHostileServer } from "./testing/hostile-server.ts";
import { greeting, rawCaller } from "./testing/raw-caller.ts";

async function start(limits: EchoOptions["limits"]): Promise<HostileServer> {
  const server = await startHostileServer(limits);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

test.for<[what: string, bytes: Buffer]>([
  ["nothing", NOTHING],
  ["half a preface", PREFACE.subarray(0, 12)],
  ["a preface and no SETTINGS", PREFACE],
  ["a preface and half of SETTINGS", greeting().subarray(0, PREFACE.length + 5)],
])("a connection that sends %s is closed in time", async ([, bytes]) => {
  const server = await start({ handshakeTimeoutMs: 50 });
  await using caller = await rawCaller(server.server.port);
  caller.say(bytes);
  await caller.closed;
  await expectHealthy(server);
});

test.for<[what: string, bytes: Buffer]>([
  ["no message", open("unary")],
  ["half a message", Buffer.concat([open("unary"), data(message("hello").subarray(0, 7))])],
  ["a message and no end", Buffer.concat([open("expand"), data(message("hello"))])],
])("a call that sends %s is ended in time", async ([, bytes]) => {
  const server = await start({ requestTimeoutMs: 50 });
  await using caller = await rawCaller(server.server.port);
  caller.say(greeting(), bytes);
  expect(await caller.outcome()).toBe("status 4");
  await expectHealthy(server);
});

test("a client stream that never ends is ended by its caller's deadline", async () => {
  const server = await start({});
  await using caller = await rawCaller(server.server.port);
  caller.say(greeting(), open("collect", { "grpc-timeout": "50m" }), data(message("hello")));
  expect(await caller.outcome()).toBe("status 4");
  await expectHealthy(server);
});

test.for<[what: string, method: "big" | "expand", request: string]>([
  ["one large response", "big", "200000"],
  ["a stream", "expand", "x".repeat(1_000)],
])(
  "a reader who never opens his window for %s is cut, and what waited for him is let go",
  async ([, method, request]) => {
    const server = await start({ readerTimeoutMs: 50 });
    await using caller = await rawCaller(server.server.port);
    const bytes = encodeMessage(text.encode(request).finish(), false);
    caller.say(greeting({ initialWindowBytes: 0 }), open(method), lastData(bytes));
    expect(await caller.outcome()).toMatch(/^reset CANCEL$/);
    await expectHealthy(server);
  },
);

test("a reader who stops reading his socket holds the producer back, and is cut", async () => {
  const server = await start({ readerTimeoutMs: 100 });
  await using caller = await rawCaller(server.server.port);
  caller.say(
    greeting({ initialWindowBytes: 2 ** 31 - 1 }),
    open("expand"),
    lastData(message("x".repeat(10_000))),
  );
  caller.pause();
  await until(() => server.server.ended.length > 0);
  expect(server.server.ended[0]?.status.code).toBe(8);
  expect(server.server.ended[0]?.call.sentBytes).toBeLessThan(64 * 1024 * 1024);
  caller.cut();
  await expectHealthy(server);
});

test("responses that wait for slow readers are held only up to the limit", async () => {
  const server = await start({ maxUnsentBytes: 1024 * 1024 });
  await using caller = await rawCaller(server.server.port);
  caller.say(greeting({ initialWindowBytes: 0 }));
  const request = message("200000");
  const ids = Array.from({ length: 20 }, (_, n) => 2 * n + 1);
  caller.say(...ids.flatMap((id) => [open("big", {}, id), lastData(request, id)]));
  // The oldest are cut to make room for the younger ones: 5 of 200,000 bytes fit.
  const cut = await Promise.all(ids.slice(0, 15).map((id) => caller.outcome(id)));
  expect(new Set(cut)).toEqual(new Set(["reset CANCEL"]));
  caller.cut();
  await expectHealthy(server);
});

test("a peer that does not answer a PING is gone, and his connection with him", async () => {
  const server = await start({ keepaliveMs: 30, keepaliveTimeoutMs: 30 });
  await using caller = await rawCaller(server.server.port);
  caller.say(greeting(), open("collect"));
  await caller.closed;
  await expectHealthy(server);
});

test("a connection without calls is closed after its time", async () => {
  const server = await start({ connectionIdleMs: 50 });
  await using caller = await rawCaller(server.server.port);
  caller.say(greeting());
  await caller.closed;
  await expectHealthy(server);
});

test("a connection that has reached its age takes no new calls, and its streams and its callers notice nothing", async () => {
  const server = await start({ connectionAgeMs: 60 });
  // As clients are by default: a call that the server has not begun is tried again on the next connection.
  const channel = new Client(server.server.address, credentials.createInsecure());
  onTestFinished(() => channel.close());
  const { schema } = server;
  const client = createClient(echoDefinition(METHODS), { channel, schema, clock: systemClock });
  const more = Promise.withResolvers<void>();
  const stream = client
    .chat(
      (async function* () {
        yield "before";
        await more.promise;
        yield "after";
      })(),
    )
    [Symbol.asyncIterator]();
  expect((await stream.next()).value).toBe("before");
  const peers = new Set<string>();
  while (peers.size < 4) {
    expect(await client.unary("on and on")).toBe("on and on");
    peers.add(server.server.ended.at(-1)?.call.peer ?? "");
  }
  more.resolve();
  expect((await stream.next()).value).toBe("after");
  expect((await stream.next()).done).toBe(true);
});

test("a connection that is cut after any byte of a call leaves nothing behind", async () => {
  const server = await start({});
  const bytes = Buffer.concat([
    greeting(),
    call("unary"),
    open("chat", {}, 3),
    data(message("hi"), 3),
    lastData(NOTHING, 3),
  ]);
  for (let at = 0; at <= bytes.length; at++) {
    const socket = connect({ port: server.server.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    // Half of them say good-bye, the others reset.
    socket.write(bytes.subarray(0, at), () => (at % 2 === 0 ? socket.end() : socket.resetAndDestroy()));
    socket.resume();
    if (at % 16 === 0) await closed;
  }
  await expectHealthy(server);
  expect(await settled(() => server.server.openCalls)).toBe(0);
});
