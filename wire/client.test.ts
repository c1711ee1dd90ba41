/** Against node:http2's server, which can do what a gRPC server will not. */
import type { ServerHttp2Stream } from "node:http2";
import { connect as connectSocket } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { connect } from "./client.ts";
import { encodeMessage } from "./grpc-message.ts";
import { REQUEST, respond, startHttp2, stopHttp2, unary } from "./http2-peer.ts";

afterEach(stopHttp2);

test("a compressed response is flagged and left as it is", async () => {
  const zipped = gzipSync(Buffer.alloc(1_000, "abc"));
  const { connection } = await startHttp2((stream) =>
    respond(stream, encodeMessage(zipped, true), { "grpc-encoding": "gzip" }),
  );
  const result = await connection.call({ ...REQUEST, acceptEncoding: "gzip" });
  expect(result).toMatchObject({
    grpcStatus: 0,
    compressed: true,
    encoding: "gzip",
    messageBytes: zipped.length,
  });
  expect(result.message?.equals(zipped)).toBe(true);
});

test("1 MB responses come through windows of 64 kB, many at once", async () => {
  const body = encodeMessage(Buffer.alloc(1_048_576, 3), false);
  const { connection } = await startHttp2(
    (stream) => respond(stream, body),
    {},
    { initialWindowBytes: 65_535, connectionWindowBytes: 65_535 },
  );
  const results = await Promise.all(Array.from({ length: 8 }, () => unary(connection)));
  expect(results.map(({ messageBytes }) => messageBytes)).toEqual(results.map(() => 1_048_576));
});

test("never more streams than the peer allows, and every waiting call has its turn", async () => {
  let now = 0;
  let most = 0;
  const { connection } = await startHttp2(
    (stream) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        respond(stream, encodeMessage(Buffer.from("x"), false));
      });
    },
    { maxConcurrentStreams: 10 },
  );
  expect(connection.stats().maxConcurrentStreams).toBe(10);
  const calls = Array.from({ length: 300 }, () => unary(connection));
  expect(connection.stats()).toMatchObject({ openStreams: 10, queuedCalls: 290 });
  const results = await Promise.all(calls);
  expect(results.every(({ grpcStatus }) => grpcStatus === 0)).toBe(true);
  expect(most).toBe(10);
  expect(connection.stats()).toMatchObject({ openStreams: 0, queuedCalls: 0 });
});

test("waiting calls are bounded, and can be cancelled before and after their turn", async () => {
  const streams: ServerHttp2Stream[] = [];
  const { connection } = await startHttp2(
    (stream) => streams.push(stream),
    { maxConcurrentStreams: 1 },
    { maxQueuedCalls: 2 },
  );
  const ends: string[] = [];
  const prepared = connection.prepare(REQUEST);
  const call = (name: string) =>
    connection.unary(prepared, ({ failure, grpcStatus }) => ends.push(`${name} ${failure ?? grpcStatus}`));
  const first = call("first");
  const second = call("second");
  const third = call("third");
  call("fourth");
  expect(ends).toEqual([]);
  connection.cancel(third);
  connection.cancel(first); // The second begins.
  connection.cancel(second);
  await Promise.resolve();
  expect(ends.sort()).toEqual([
    "first cancelled",
    "fourth queue-full",
    "second cancelled",
    "third cancelled",
  ]);
  expect(connection.stats()).toMatchObject({ openStreams: 0, queuedCalls: 0 });
});

test("a signal cancels a call that is open, one that waits, and one that comes too late", async () => {
  const arrived = Promise.withResolvers<void>();
  const { connection } = await startHttp2(() => arrived.resolve(), { maxConcurrentStreams: 1 });
  const controller = new AbortController();
  const calls = [connection.call(REQUEST, controller.signal), connection.call(REQUEST, controller.signal)];
  const stream = connection.open({ path: "/a.B/Stream" }, controller.signal);
  await arrived.promise;
  controller.abort();
  calls.push(connection.call(REQUEST, controller.signal));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual(calls.map(() => "cancelled"));
  expect((await (await stream).outcome).failure).toBe("cancelled");
  expect(connection.stats()).toMatchObject({ openStreams: 0, queuedCalls: 0 });
});

test("calls made in one turn leave in one socket write", async () => {
  const { connection } = await startHttp2((stream) =>
    respond(stream, encodeMessage(Buffer.from("x"), false)),
  );
  await unary(connection);
  const before = connection.stats().socketWrites;
  await Promise.all(Array.from({ length: 50 }, () => unary(connection)));
  expect(connection.stats().socketWrites - before).toBeLessThanOrEqual(3);
});

test("a callback that throws surfaces as uncaught and harms no other call", async () => {
  const { connection } = await startHttp2((stream) =>
    respond(stream, encodeMessage(Buffer.from("x"), false)),
  );
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  try {
    const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
    connection.unary(connection.prepare(REQUEST), () => {
      throw new Error("caller's mistake");
    });
    const other = unary(connection);
    expect(await uncaught).toMatchObject({ message: "caller's mistake" });
    expect((await other).grpcStatus).toBe(0);
  } finally {
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
});

test("header fields of any printable content pass both ways through Node's own HPACK", async () => {
  const { connection } = await startHttp2((stream, headers) => {
    const echoed = Object.entries(headers).filter(([name]) => name.startsWith("x-"));
    respond(
      stream,
      encodeMessage(Buffer.from("x"), false),
      Object.fromEntries(echoed),
      Object.fromEntries(echoed),
    );
  });
  const value = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 300,
  });
  const entries = fc.dictionary(fc.stringMatching(/^x-[a-z0-9]{1,12}$/), value, { maxKeys: 8 });
  await fc.assert(
    fc.asyncProperty(entries, async (metadata) => {
      const sent = Object.entries(metadata);
      const result = await connection.call({ ...REQUEST, metadata: sent });
      const sorted = (fields: readonly (readonly [string, unknown])[]) =>
        fields
          .filter(([name]) => name.startsWith("x-"))
          .map(([name, text]) => `${name}: ${text}`)
          .sort();
      expect(sorted(result.headerMetadata)).toEqual(sorted(sent));
      expect(sorted(result.trailerMetadata)).toEqual(sorted(sent));
    }),
    { numRuns: 150 },
  );
});

test("a socket of the caller's making serves as well", async () => {
  const { connection: first, server } = await startHttp2((stream) =>
    respond(stream, encodeMessage(Buffer.from("x"), false)),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const connection = await connect({
    host: "unused",
    port: 1,
    createSocket: () => connectSocket(address.port, "127.0.0.1"),
  });
  expect((await unary(connection)).grpcStatus).toBe(0);
  await connection.close();
  expect(first.usable).toBe(true);
});

test.each([
  [{ initialWindowBytes: 0 }, "initialWindowBytes must be a whole number from 1 to 2147483647, not 0"],
  [{ maxFrameBytes: 100 }, "maxFrameBytes must be a whole number from 16384 to 16777215, not 100"],
  [{ maxQueuedCalls: 1.5 }, "maxQueuedCalls must be a whole number from 0 to 16777216, not 1.5"],
  [{ firstStreamId: 2 }, "firstStreamId must be odd, from 1 to 2147483647, not 2"],
])("the option %j is refused at the door", async (options, message) => {
  await expect(connect({ host: "127.0.0.1", port: 1, ...options })).rejects.toThrow(new RangeError(message));
});

test("nobody listening is a ConnectionError with the socket's error as its cause", async () => {
  const { server } = await startHttp2(() => {});
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const gone = await connect({ host: "127.0.0.1", port: address.port });
  await gone.close();
  await expect(connect({ host: "127.0.0.1", port: 1 })).rejects.toMatchObject({
    fault: "socket",
    cause: { code: "ECONNREFUSED" },
  });
});
