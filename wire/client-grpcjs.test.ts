/** Against grpc-js's server: unary calls and streams as a real gRPC peer speaks them. */
import { gzipSync } from "node:zlib";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "./client.ts";
import type { WireConnection } from "./connection.ts";

const same = (bytes: Buffer) => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const server = new Server({
  "grpc.max_receive_message_length": 16_000_000,
  "grpc.max_send_message_length": 16_000_000,
});
let cancelled = Promise.withResolvers<void>();
let written = 0;
server.addService(
  {
    Unary: method("Unary", false, false),
    Fail: method("Fail", false, false),
    Hang: method("Hang", false, false),
    Collect: method("Collect", true, false),
    Count: method("Count", false, true),
    Chat: method("Chat", true, true),
  },
  {
    Unary: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
      const trailers = new Metadata();
      for (const [name, value] of Object.entries(call.metadata.getMap())) trailers.add(name, value);
      call.sendMetadata(new Metadata());
      reply(null, call.request, trailers);
    },
    Fail: (_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
      reply({ code: 5, details: "no such thing: 100% café" }),
    Hang: (call: ServerUnaryCall<Buffer, Buffer>) => {
      call.on("cancelled", () => cancelled.resolve());
    },
    Collect: (call: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
      let bytes = 0;
      call.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      call.on("end", () => reply(null, Buffer.from(String(bytes))));
    },
    Count: (call: ServerWritableStream<Buffer, Buffer>) => {
      const total = call.request.readUInt32BE(0);
      const next = () => {
        while (written < total) {
          written++;
          if (!call.write(Buffer.alloc(1_000, written))) {
            call.once("drain", next);
            return;
          }
        }
        call.end();
      };
      call.on("cancelled", () => cancelled.resolve());
      next();
    },
    Chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (chunk: Buffer) => call.write(chunk));
      call.on("end", () => call.end());
    },
  },
);

let port = 0;
let connection: WireConnection;
beforeAll(async () => {
  port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  connection = await connect({ host: "127.0.0.1", port, maxMessageBytes: 8_000_000 });
});
afterAll(async () => {
  expect(connection.stats()).toMatchObject({ openStreams: 0, queuedCalls: 0 });
  await connection.close();
  await new Promise<void>((resolve, reject) =>
    server.tryShutdown((error) => (error ? reject(error) : resolve())),
  );
});

test("a unary call brings back message, trailers and binary metadata", async () => {
  const result = await connection.call({
    path: "/test.Echo/Unary",
    metadata: [
      ["x-word", "fish"],
      ["x-blob-bin", Uint8Array.of(0, 200, 7)],
    ],
    message: Buffer.from("hello"),
  });
  expect(result).toMatchObject({ grpcStatus: 0, failure: undefined, compressed: false, messageBytes: 5 });
  expect(result.message).toEqual(Buffer.from("hello"));
  expect(result.trailerMetadata).toContainEqual(["x-word", "fish"]);
  expect(result.trailerMetadata).toContainEqual(["x-blob-bin", Buffer.of(0, 200, 7)]);
  expect(result.wireBytesReceived).toBeGreaterThan(5 + 9 * 3);
});

test("a prepared request is sent many times, its message counted and not kept", async () => {
  const prepared = connection.prepare({ path: "/test.Echo/Unary", message: Buffer.alloc(321) });
  const hits = connection.stats().headerBlocksFromCache;
  const results = await Promise.all(
    Array.from(
      { length: 500 },
      () =>
        new Promise<[number, number, unknown]>((resolve) =>
          connection.unary(prepared, (result) =>
            resolve([result.grpcStatus, result.messageBytes, result.message]),
          ),
        ),
    ),
  );
  expect(results).toEqual(results.map(() => [0, 321, undefined]));
  expect(connection.stats().headerBlocksFromCache - hits).toBeGreaterThan(500);
});

test("an error that is trailers only has its status and decoded message", async () => {
  const result = await connection.call({ path: "/test.Echo/Fail", message: Buffer.alloc(0) });
  expect(result).toMatchObject({
    grpcStatus: 5,
    grpcMessage: "no such thing: 100% café",
    failure: undefined,
    messageBytes: 0,
  });
  expect((await connection.call({ path: "/test.Echo/None", message: Buffer.alloc(0) })).grpcStatus).toBe(12);
});

test("messages much larger than any window pass in both directions", async () => {
  const message = Buffer.alloc(5_000_000, "payload ");
  const results = await Promise.all(
    [1, 2, 3].map(() => connection.call({ path: "/test.Echo/Unary", message })),
  );
  for (const result of results) expect(result.message?.equals(message)).toBe(true);
});

test("a request compressed by the caller is understood", async () => {
  const plain = Buffer.alloc(10_000, "abc");
  const result = await connection.call({
    path: "/test.Echo/Unary",
    message: gzipSync(plain),
    encoding: "gzip",
  });
  expect(result.message?.equals(plain)).toBe(true);
});

test("the server enforces the timeout it was told", async () => {
  const result = await connection.call({ path: "/test.Echo/Hang", message: Buffer.alloc(0), timeoutMs: 30 });
  expect([4, 1]).toContain(result.grpcStatus);
});

test("a cancelled call ends at once, and the server hears of it", async () => {
  cancelled = Promise.withResolvers();
  const prepared = connection.prepare({ path: "/test.Echo/Hang", message: Buffer.alloc(0) });
  const done = Promise.withResolvers<string | undefined>();
  const id = connection.unary(prepared, ({ failure }) => done.resolve(failure));
  await connection.call({ path: "/test.Echo/Unary", message: Buffer.alloc(0) });
  connection.cancel(id);
  connection.cancel(id);
  expect(await done.promise).toBe("cancelled");
  await cancelled.promise;
});

test("a client stream is sent within the server's windows and answered once", async () => {
  const stream = await connection.open({ path: "/test.Echo/Collect" });
  for (let count = 0; count < 40; count++) expect(await stream.send(Buffer.alloc(50_000))).toBe(true);
  stream.end();
  const replies = [];
  for await (const message of stream.messages) replies.push(message.bytes?.toString());
  expect(replies).toEqual(["2000000"]);
  expect(await stream.outcome).toMatchObject({ grpcStatus: 0, failure: undefined });
  await expect(stream.send(Buffer.alloc(1))).rejects.toThrow("send after end");
});

test("a server stream fills no more than our window until it is read, and then comes whole and in order", async () => {
  const small = await connect({ host: "127.0.0.1", port, initialWindowBytes: 20_000 });
  written = 0;
  const stream = await small.open({ path: "/test.Echo/Count" });
  await stream.send(Buffer.of(0, 0, 1, 0));
  stream.end();
  const iterator = stream.messages[Symbol.asyncIterator]();
  expect((await iterator.next()).value.bytes[0]).toBe(1);
  for (let turn = 0; turn < 20; turn++)
    await small.call({ path: "/test.Echo/Unary", message: Buffer.alloc(10) });
  expect(small.stats().bytesReceived).toBeLessThan(20_000 + 10_000 + 20 * 400);
  let count = 1;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    count++;
    expect(next.value.bytes?.[0]).toBe(count % 256);
  }
  expect(count).toBe(256);
  expect((await stream.outcome).grpcStatus).toBe(0);
  await small.close();
});

test("leaving a stream early cancels it", async () => {
  cancelled = Promise.withResolvers();
  written = 0;
  const stream = await connection.open({ path: "/test.Echo/Count" });
  await stream.send(Buffer.of(0, 1, 0, 0));
  stream.end();
  for await (const message of stream.messages) {
    expect(message.length).toBe(1_000);
    break;
  }
  expect(await stream.outcome).toMatchObject({ grpcStatus: 1, failure: "cancelled" });
  await cancelled.promise;
  expect(await stream.send(Buffer.alloc(1)).catch(() => "throws")).toBe("throws");
});

test("both sides of a bidirectional stream flow at once, with messages larger than the window", async () => {
  const small = await connect({ host: "127.0.0.1", port, initialWindowBytes: 5_000 });
  const stream = await small.open({ path: "/test.Echo/Chat" });
  const sizes = [0, 1, 4_000, 60_000, 7, 200_000];
  const sending = (async () => {
    for (const size of sizes) await stream.send(Buffer.alloc(size, 1));
    stream.end();
  })();
  const received: number[] = [];
  for await (const message of stream.messages) received.push(message.length);
  await sending;
  expect(received).toEqual(sizes);
  expect((await stream.outcome).grpcStatus).toBe(0);
  await small.close();
});
