import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { ACCEPT_ENCODING_KEY, CompressedMessage } from "#impl/runtime/message.ts";
import { CacheScope, Compression } from "#impl/runtime/policy.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { text } from "#impl/runtime/testing/echo-service.ts";
import { grpcFrame, grpcMessages, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { cache } from "./cache.ts";
import { compress } from "./compress.ts";

const MIN_BYTES = 60;
const ASYNC_FROM_BYTES = 20_000;
const policy = { compression: Compression.COMPRESSION_LARGE };
const cached = { ttl: { seconds: 30n }, scope: CacheScope.CACHE_SCOPE_SHARED };
const methods = {
  large: { policy },
  never: {},
  kept: { policy: { ...policy, cache: cached } },
  stream: { responseStream: true as const, policy },
  fails: { policy },
  failsLater: { responseStream: true as const, policy },
};

/** Text of `bytes` bytes when it is in its message; random text does not shrink. */
const texts = {
  small: "x".repeat(MIN_BYTES - 3),
  threshold: "x".repeat(MIN_BYTES - 2),
  random: randomBytes(45).toString("base64"),
  big: "y".repeat(ASYNC_FROM_BYTES * 2),
};

async function startCompressing() {
  const sent: unknown[] = [];
  /** Outside of all: sees the messages as they go to the transport. */
  const spy: Link = (_, next) => (call, input) => {
    const output = next(call, input);
    void Promise.resolve(output).then(
      (message) => sent.push(message),
      () => {},
    );
    return output;
  };
  const echo = await startEcho(
    methods,
    {
      large: (request) => request,
      never: (request) => request,
      kept: (request) => request,
      async *stream(request) {
        for (const size of request.split(",")) yield "z".repeat(Number(size));
      },
      fails() {
        throw notFound("W", "x".repeat(2_000));
      },
      async *failsLater() {
        yield texts.threshold;
        throw notFound("W", "w");
      },
    },
    {
      links: () => [
        spy,
        compress({ minBytes: MIN_BYTES, asyncFromBytes: ASYNC_FROM_BYTES }),
        cache({ maxBytes: 1_000_000 }),
      ],
    },
  );
  const raw = await rawConnection(echo.server.address);
  const call = async (method: keyof typeof methods, request: string, accept: string | undefined = "gzip") => {
    const reply = await raw.call(
      echoPath(method),
      grpcFrame(text.encode(request).finish()),
      accept === "" ? {} : { [ACCEPT_ENCODING_KEY]: accept },
    );
    const messages = grpcMessages(reply.body);
    return {
      reply,
      encoding: reply.headers["grpc-encoding"],
      flags: messages.map(({ flag }) => flag),
      texts: messages.map(({ flag, bytes }) => text.decode(flag === 1 ? gunzipSync(bytes) : bytes)),
      bytes: reply.body.byteLength,
    };
  };
  return {
    echo,
    sent,
    call,
    async [Symbol.asyncDispose]() {
      await raw[Symbol.asyncDispose]();
      await echo[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ["large", "threshold", "gzip", "gzip", 1],
  ["large", "threshold", "deflate, gzip", "gzip", 1],
  ["large", "big", "gzip", "gzip", 1],
  ["kept", "threshold", "gzip", "gzip", 1],
  ["kept", "big", "gzip", "gzip", 1],
  ["large", "small", "gzip", "identity", 0],
  ["large", "random", "gzip", "identity", 0],
  ["large", "threshold", "", "identity", 0],
  ["large", "threshold", "identity,br", "identity", 0],
  ["large", "threshold", "gzip;q=0", "identity", 0],
  ["large", "threshold", "not-gzip", "identity", 0],
  ["never", "threshold", "gzip", "identity", 0],
] as const)(
  "%s: a %s message to a caller that accepts %j is sent as %s",
  async (method, size, accept, encoding, flag) => {
    await using server = await startCompressing();
    const reply = await server.call(method, texts[size], accept);
    expect([reply.encoding, reply.flags]).toEqual([encoding, [flag]]);
    expect(reply.texts).toEqual([texts[size]]);
    if (flag === 1) expect(reply.bytes).toBeLessThan(texts[size].length);
  },
);

test("a stream announces its encoding once and flags each message for itself", async () => {
  await using server = await startCompressing();
  const sizes = [10, 2_000, 0, ASYNC_FROM_BYTES * 2, 10];
  const reply = await server.call("stream", sizes.join(","));
  expect(reply.encoding).toBe("gzip");
  expect(reply.flags).toEqual([0, 1, 0, 1, 0]);
  expect(reply.texts.map(({ length }) => length)).toEqual(sizes);
});

test("an error is Trailers-Only whether compression was agreed or not, and ends a compressed stream", async () => {
  await using server = await startCompressing();
  expect((await server.call("fails", "")).reply.trailersOnly).toBe(true);
  const { reply, flags } = await server.call("failsLater", "");
  expect([reply.headers["grpc-encoding"], flags, reply.trailers["grpc-status"]]).toEqual(["gzip", [1], "5"]);
});

test("the client of grpc-js reads compressed answers, and this project's client asks for them", async () => {
  await using server = await startCompressing();
  for (const request of Object.values(texts)) expect(await server.echo.client.large(request)).toBe(request);
  expect(server.sent.filter((message) => message instanceof CompressedMessage)).toHaveLength(2);
  const sizes = (await Array.fromAsync(server.echo.client.stream("0,5000,3,50000"))).map(
    ({ length }) => length,
  );
  expect(sizes).toEqual([0, 5_000, 3, 50_000]);
});

describe("a response that is kept in memory", () => {
  test.each(["threshold", "big"] as const)(
    "%s: is compressed once, and still served whole to those who want it so",
    async (size) => {
      await using server = await startCompressing();
      for (const accept of ["gzip", "gzip", "", "gzip"]) {
        expect((await server.call("kept", texts[size], accept)).texts).toEqual([texts[size]]);
      }
      const compressed = server.sent.filter((message) => message instanceof CompressedMessage);
      expect(compressed).toHaveLength(3);
      expect(new Set(compressed).size).toBe(1);
    },
  );
});
