import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { type Echo, echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { RpcError } from "./rpc-error.ts";
import { DEFAULT_LIMITS } from "./server.ts";
import { Code } from "./status.ts";
import { text } from "./testing/echo-service.ts";
import {
  grpcFrame,
  grpcMessages,
  type RawConnection,
  rawConnection,
  rawReply,
} from "./testing/raw-client.ts";
import { until } from "./testing/turns.ts";

const methods = {
  unary: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
  big: {},
  bigStream: { responseStream: true },
  fail: {},
  metadata: {},
  absent: {},
} as const;

/** Smaller than the default, to be quick. */
const LIMIT = 256 * 1024;
/** Tag and length of the one string field. */
const ENVELOPE = 4;

let echo: Echo<typeof methods>;
let raw: RawConnection;
let reached = 0;
beforeAll(async () => {
  echo = await startEcho(
    methods,
    {
      unary: (request) => {
        reached += 1;
        return `<${request}>`;
      },
      async *expand(request) {
        for (const character of request) yield character;
      },
      async collect(requests) {
        const hash = createHash("sha256");
        for await (const request of requests) hash.update(request).update("|");
        return hash.digest("hex");
      },
      async *chat(requests) {
        for await (const request of requests) yield request.toUpperCase();
      },
      big: (size) => "x".repeat(Number(size)),
      async *bigStream(size) {
        yield "first";
        yield "x".repeat(Number(size));
      },
      fail() {
        throw new RpcError({
          code: Code.ABORTED,
          reason: "FAILED",
          message: "no",
          trailers: [["x-why", "because"]],
        });
      },
      metadata: (key, call) => `${call.metadata.get(key)} ${call.metadata.get("x-none")} ${call.peer}`,
    },
    { limits: { maxMessageBytes: LIMIT } },
  );
  raw = await rawConnection(echo.server.address);
});
afterAll(async () => {
  await raw[Symbol.asyncDispose]();
  await echo[Symbol.asyncDispose]();
});

const healthy = async (): Promise<void> => {
  expect(await echo.client.unary("healthy")).toBe("<healthy>");
  await until(() => echo.server.openCalls === 0);
};

async function failure(call: Promise<unknown>): Promise<CallError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CallError) return error;
  throw new Error(`a CallError was due, got ${String(error)}`);
}

describe("messages", () => {
  test("an empty message is a message in every kind of call", async () => {
    expect(await echo.client.unary("")).toBe("<>");
    expect(await echo.client.collect(["", ""])).toBe(createHash("sha256").update("||").digest("hex"));
    expect(await Array.fromAsync(echo.client.chat(["", "a", ""]))).toEqual(["", "A", ""]);
  });

  test("a stream without messages ends well in both directions", async () => {
    expect(await Array.fromAsync(echo.client.expand(""))).toEqual([]);
    expect(await echo.client.collect([])).toBe(createHash("sha256").digest("hex"));
    expect(await Array.fromAsync(echo.client.chat([]))).toEqual([]);
  });

  test("request metadata reaches the handler, with the binary kind as base64", async () => {
    const metadata = { "x-color": "blue" };
    expect(await echo.client.metadata("x-color", { metadata })).toMatch(/^blue undefined 127\.0\.0\.1:\d+$/);
    const reply = await raw.call(echoPath("metadata"), grpcFrame(text.encode("x-raw-bin").finish()), {
      "x-raw-bin": Buffer.from("bytes").toString("base64"),
    });
    const [message] = grpcMessages(reply.body);
    expect(text.decode(message?.bytes ?? Buffer.of())).toContain(Buffer.from("bytes").toString("base64"));
  });

  test("trailers of an error and initial metadata of a response reach the caller", async () => {
    let headers: Metadata | undefined;
    await echo.client.unary("", { onHeaders: (received) => (headers = received) });
    expect(headers?.get("content-type")).toEqual(["application/grpc+proto"]);
    let trailers: Metadata | undefined;
    const error = await failure(echo.client.fail("", { onTrailers: (received) => (trailers = received) }));
    expect(error.trailers.get("x-why")).toEqual(["because"]);
    expect(trailers?.get("x-why")).toEqual(["because"]);
  });
});

describe("limits", () => {
  test("a message of exactly the limit passes in both directions", async () => {
    const largest = LIMIT - ENVELOPE;
    expect(await echo.client.big(String(largest))).toHaveLength(largest);
    await failure(echo.client.big(String(largest + 1)));
    expect(await echo.client.collect(["x".repeat(largest)])).toHaveLength(64);
    await failure(echo.client.collect(["x".repeat(largest + 1)]));
  });

  test("the default limit is 4 MiB", () => {
    expect(DEFAULT_LIMITS.maxMessageBytes).toBe(4 * 1024 * 1024);
  });

  test.each([
    ["unary request", () => echo.client.unary("x".repeat(LIMIT))],
    ["request of a stream", () => echo.client.collect(["a", "x".repeat(LIMIT)])],
    ["unary response", () => echo.client.big(String(LIMIT))],
    ["response of a stream", () => Array.fromAsync(echo.client.bigStream(String(LIMIT)))],
  ])("a %s over the limit is RESOURCE_EXHAUSTED for the caller and for the record", async (_, call) => {
    const ended = echo.server.ended.length;
    const error = await failure(call());
    expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
    expect(error.reason).toBe("MESSAGE_TOO_LARGE");
    await until(() => echo.server.openCalls === 0);
    const records = echo.server.ended.slice(ended);
    // A unary request that never arrives whole never reaches the chain.
    for (const { status } of records) expect(status.code).toBe(Code.RESOURCE_EXHAUSTED);
    await healthy();
  });
});

describe("requests that break the protocol", () => {
  test("a method of the schema that nobody implements, and one of no schema, are UNIMPLEMENTED", async () => {
    const error = await failure(echo.client.absent(""));
    expect([error.code, error.reason]).toEqual([Code.UNIMPLEMENTED, "METHOD_NOT_IMPLEMENTED"]);
    for (const path of [echoPath("nowhere"), "/testing.v1.Nowhere/unary", "/", "/a"]) {
      const reply = await raw.call(path, grpcFrame(Buffer.of()));
      expect(reply.headers["grpc-status"]).toBe("12");
    }
  });

  const malformed = Buffer.from([0x0a, 0x05, 0x41]);
  const one = grpcFrame(text.encode("a").finish());
  test.each([
    ["a message that is no protobuf, unary", "unary", grpcFrame(malformed)],
    ["a message that is no protobuf, streamed", "collect", grpcFrame(malformed)],
    ["no message", "unary", Buffer.of()],
    ["two messages", "unary", Buffer.concat([one, one])],
    ["no message to a server stream", "expand", Buffer.of()],
    ["two messages to a server stream", "expand", Buffer.concat([one, one])],
  ])("%s is INVALID_ARGUMENT", async (_, method, body) => {
    const before = reached;
    const reply = await raw.call(echoPath(method), body);
    expect(reply.headers["grpc-status"]).toBe("3");
    expect(reply.trailersOnly).toBe(true);
    expect(reached).toBe(before);
    await healthy();
  });

  test("an unary error is one HEADERS frame that ends the stream", async () => {
    const reply = await raw.call(echoPath("fail"), grpcFrame(Buffer.of()));
    expect(reply.trailersOnly).toBe(true);
    expect(reply.body.byteLength).toBe(0);
    expect(reply.headers).toMatchObject({
      ":status": 200,
      "grpc-status": "10",
      "grpc-message": "no",
      "x-why": "because",
    });
    expect(reply.headers["grpc-status-details-bin"]).toBeTypeOf("string");
  });
});

describe("hostile peers", () => {
  test.each([
    ["grpc-timeout", "soon", "13"],
    ["grpc-timeout", "-1S", "13"],
    ["grpc-timeout", "", "13"],
    ["grpc-timeout", "1000H", "0"],
    ["grpc-encoding", "brotli", "0"],
    ["authorization", "\t odd \u00ff", "0"],
  ])("%s: %j is answered with status %s and harms nobody", async (key, value, status) => {
    const reply = await raw.call(echoPath("unary"), grpcFrame(text.encode("a").finish()), { [key]: value });
    expect(reply.trailers["grpc-status"] ?? reply.headers["grpc-status"]).toBe(status);
    await healthy();
  });

  test("a malformed grpc-timeout is on the record as the caller saw it", async () => {
    const ended = echo.server.ended.length;
    await raw.call(echoPath("collect"), grpcFrame(Buffer.of()), { "grpc-timeout": "soon" });
    await until(() => echo.server.ended.length > ended);
    expect(echo.server.ended.at(-1)?.status.code).toBe(Code.INTERNAL);
  });

  test("a compressed request that does not decompress is refused", async () => {
    const reply = await raw.call(echoPath("unary"), grpcFrame(Buffer.from("not gzip"), 1), {
      "grpc-encoding": "gzip",
    });
    expect(reply.headers["grpc-status"]).toBe("13");
    await healthy();
  });

  test("a reset in the middle of a message ends the call", async () => {
    const frame = grpcFrame(text.encode("x".repeat(1000)).finish());
    for (const method of ["unary", "collect", "chat", "expand"]) {
      const stream = raw.open(echoPath(method));
      stream.write(frame.subarray(0, 300));
      await until(() => echo.server.openCalls === 1);
      stream.close(8);
      await until(() => echo.server.openCalls === 0);
    }
    await healthy();
  });

  test("1,000 concurrent streams on one connection are all answered", async () => {
    const calls = Array.from({ length: 1_000 }, (_, n) => echo.client.unary(String(n)));
    const answers = await Promise.all(calls);
    expect(answers[999]).toBe("<999>");
    await healthy();
  });

  test("garbage on the port closes that connection only", async () => {
    const address = echo.server.address.split(":");
    for (const garbage of [
      "GET / HTTP/1.1\r\n\r\n",
      "\u0000".repeat(10_000),
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\u00ff".repeat(100)}`,
    ]) {
      const socket = connect(Number(address[1]), address[0]);
      socket.on("error", () => {});
      socket.write(garbage, "latin1");
      socket.resume();
      await once(socket, "close");
    }
    await healthy();
  });

  test("a wrong content type is refused", async () => {
    const stream = raw.open(echoPath("unary"), { "content-type": "text/html" });
    const reply = rawReply(stream);
    stream.end();
    expect((await reply).headers[":status"]).toBe(415);
    await healthy();
  });
});
