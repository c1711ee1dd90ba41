/** Against node:http2's server, which can do what a gRPC server will not: limits, GOAWAY, resets, sudden ends. */
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { connect as connectSocket } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type ConnectOptions, connect } from "./client.ts";
import type { WireConnection } from "./connection.ts";
import { ErrorCode, FrameType, goawayFrame, LARGEST_STREAM_ID } from "./frames.ts";
import { encodeMessage } from "./grpc-message.ts";
import { okResponse, scriptPeer } from "./scripted-peer.ts";
import type { UnaryResult } from "./unary-call.ts";

const REQUEST = { path: "/a.B/C", message: Buffer.from("hello") };

interface Fixture {
  readonly server: Http2Server;
  readonly connection: WireConnection;
  readonly session: ServerHttp2Session;
}

const open: Fixture[] = [];
afterEach(async () => {
  for (const { server, connection, session } of open.splice(0)) {
    await connection.close();
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function start(
  onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
  settings = {},
  options: Partial<ConnectOptions> = {},
): Promise<Fixture> {
  const server = createServer({ settings });
  const session = new Promise<ServerHttp2Session>((resolve) => server.once("session", resolve));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // A call cut short is what these tests are about.
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const connection = await connect({ host: "127.0.0.1", port: address.port, ...options });
  const fixture = { server, connection, session: await session };
  open.push(fixture);
  return fixture;
}

function respond(stream: ServerHttp2Stream, body: Buffer, headers = {}, trailers = {}): void {
  stream.respond(
    { ":status": 200, "content-type": "application/grpc+proto", ...headers },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...trailers }));
  stream.end(body);
}

const unary = (connection: WireConnection) =>
  new Promise<UnaryResult>((resolve) => connection.unary(connection.prepare(REQUEST), resolve));

test("a compressed response is flagged and left as it is", async () => {
  const zipped = gzipSync(Buffer.alloc(1_000, "abc"));
  const { connection } = await start((stream) =>
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
  const { connection } = await start(
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
  const { connection } = await start(
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
  const { connection } = await start(
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

describe("however a connection ends, every call ends once", () => {
  const failures = async (end: (fixture: Fixture, streams: ServerHttp2Stream[]) => void) => {
    const streams: ServerHttp2Stream[] = [];
    const arrived = Promise.withResolvers<void>();
    const fixture = await start(
      (stream) => {
        if (streams.push(stream) === 4) arrived.resolve();
      },
      { maxConcurrentStreams: 4 },
    );
    const closed = new Promise((resolve) => {
      fixture.connection.onClose = resolve;
    });
    const ended: number[] = [];
    const calls = Array.from({ length: 6 }, (_, position) =>
      unary(fixture.connection).finally(() => ended.push(position)),
    );
    const stream = fixture.connection.open({ path: "/a.B/Stream" });
    await arrived.promise;
    end(fixture, streams);
    const results = await Promise.all(calls);
    const outcome = await (await stream).outcome;
    await closed;
    expect(ended).toHaveLength(6);
    expect(await unary(fixture.connection)).toMatchObject({ failure: "not-processed", grpcStatus: 14 });
    return [...results.map(({ failure }) => failure), outcome.failure];
  };
  const waiting = Array.from({ length: 3 }, () => "not-processed");
  const four = (failure: string) => Array.from({ length: 4 }, () => failure);

  test("the server is killed", async () => {
    expect(await failures(({ session }) => session.destroy())).toEqual([
      ...four("connection-lost"),
      ...waiting,
    ]);
  });

  test("the owner closes", async () => {
    const ends = await failures(({ connection }) => void connection.close());
    expect(ends).toEqual([...four("closed"), "closed", "closed", "closed"]);
  });

  test("the server goes away with an error, having processed none", async () => {
    await using peer = await scriptPeer({ maxConcurrentStreams: 2 });
    const connection = await connect({ host: "127.0.0.1", port: peer.port });
    const ends: string[] = [];
    const closed = new Promise((resolve) => {
      connection.onClose = (error) => {
        ends.push("closed");
        resolve(error);
      };
    });
    const calls = [1, 2, 3, 4].map(() => unary(connection).then(({ failure }) => ends.push(String(failure))));
    await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 3);
    peer.say(goawayFrame(0, ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings"));
    expect(await closed).toMatchObject({ fault: "peer-refused", code: ErrorCode.ENHANCE_YOUR_CALM });
    await Promise.all(calls);
    expect(ends.sort()).toEqual(["closed", ...four("not-processed")]);
    await peer.clientGone;
  });
});

test("after GOAWAY calls up to the last stream end well, later ones are not processed, and the connection closes", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({ host: "127.0.0.1", port: peer.port });
  const closed = new Promise((resolve) => {
    connection.onClose = resolve;
  });
  const calls = Array.from({ length: 3 }, () => unary(connection));
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 5);
  peer.say(goawayFrame(LARGEST_STREAM_ID, 0, "soon"), goawayFrame(3, 0, "now"));
  expect((await calls[2])?.failure).toBe("not-processed");
  expect(connection.usable).toBe(false);
  expect((await unary(connection)).failure).toBe("not-processed");
  peer.say(okResponse(1), okResponse(3));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual([
    undefined,
    undefined,
    "not-processed",
  ]);
  expect(await closed).toBeUndefined();
  await peer.clientGone;
});

test("a peer that hangs up without a word loses every call", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({ host: "127.0.0.1", port: peer.port });
  const calls = [unary(connection), unary(connection)];
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === 3);
  peer.hangUp();
  for (const result of await Promise.all(calls)) {
    expect(result).toMatchObject({ failure: "connection-lost", grpcStatus: 14 });
  }
});

test("when stream ids run out the connection drains and closes in good order", async () => {
  await using peer = await scriptPeer();
  const connection = await connect({
    host: "127.0.0.1",
    port: peer.port,
    firstStreamId: LARGEST_STREAM_ID - 2,
  });
  const calls = [unary(connection), unary(connection), unary(connection)];
  await peer.frame((seen) => seen.type === FrameType.DATA && seen.streamId === LARGEST_STREAM_ID);
  peer.say(okResponse(LARGEST_STREAM_ID - 2), okResponse(LARGEST_STREAM_ID));
  expect((await Promise.all(calls)).map(({ failure }) => failure)).toEqual([
    undefined,
    undefined,
    "not-processed",
  ]);
  await peer.clientGone;
});

test("calls made in one turn leave in one socket write", async () => {
  const { connection } = await start((stream) => respond(stream, encodeMessage(Buffer.from("x"), false)));
  await unary(connection);
  const before = connection.stats().socketWrites;
  await Promise.all(Array.from({ length: 50 }, () => unary(connection)));
  expect(connection.stats().socketWrites - before).toBeLessThanOrEqual(3);
});

test("a callback that throws surfaces as uncaught and harms no other call", async () => {
  const { connection } = await start((stream) => respond(stream, encodeMessage(Buffer.from("x"), false)));
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
  const { connection } = await start((stream, headers) => {
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
  const { connection: first, server } = await start((stream) =>
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
  const { server } = await start(() => {});
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const gone = await connect({ host: "127.0.0.1", port: address.port });
  await gone.close();
  await expect(connect({ host: "127.0.0.1", port: 1 })).rejects.toMatchObject({
    fault: "socket",
    cause: { code: "ECONNREFUSED" },
  });
});
