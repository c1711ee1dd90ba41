import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { staticDiscovery } from "#impl/client/discovery.ts";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { compress } from "#impl/middleware/compress.ts";
import { type Call, FORWARDED_PEER_KEY } from "#impl/runtime/call.ts";
import { singleInput } from "#impl/runtime/handler.ts";
import { ACCEPT_ENCODING_KEY } from "#impl/runtime/message.ts";
import { Compression } from "#impl/runtime/policy.ts";
import { RpcError } from "#impl/runtime/rpc-error.ts";
import { Code, DETAILS_KEY } from "#impl/runtime/status.ts";
import { testSchema, text as textCodec } from "#impl/runtime/testing/echo-service.ts";
import {
  grpcFrame,
  grpcMessages,
  type RawConnection,
  rawConnection,
} from "#impl/runtime/testing/raw-client.ts";
import { startTestServer } from "#impl/runtime/testing/test-server.ts";
import { settled, until } from "#impl/runtime/testing/turns.ts";
import { startCuttableLink } from "#impl/services/support/testing/cuttable-link.ts";
import { failureOf, startForwarded, startGateway } from "./testing/forwarding-fixture.ts";

const textBytes = (text: string): Uint8Array => textCodec.encode(text).finish();

const methods = {
  unary: {},
  expand: { responseStream: true },
  collect: { requestStream: true },
  chat: { requestStream: true, responseStream: true },
  absent: {},
} as const;
type Kind = "unary" | "expand" | "collect" | "chat";
const kinds: readonly Kind[] = ["unary", "expand", "collect", "chat"];

const LIMIT = 1024 * 1024;
const LARGEST = "x".repeat(LIMIT - 4);

const echoing = {
  unary: (request: string) => request,
  async *expand(request: string) {
    for (const part of request.split("|")) yield part;
  },
  async collect(requests: AsyncIterable<string>) {
    return (await Array.fromAsync(requests)).join("|");
  },
  async *chat(requests: AsyncIterable<string>) {
    for await (const request of requests) yield `<${request}>`;
  },
};

/** Handlers that keep their call and wait for its end. */
function hanging() {
  const calls: Call[] = [];
  const hang = (call: Call): Promise<never> => {
    calls.push(call);
    return new Promise((_, reject) =>
      call.signal.addEventListener("abort", () => reject(call.signal.reason)),
    );
  };
  const handlers = {
    unary: (_: string, call: Call) => hang(call),
    async *expand(_: string, call: Call) {
      yield "one";
      await hang(call);
    },
    collect: (_: AsyncIterable<string>, call: Call) => hang(call),
    async *chat(_: AsyncIterable<string>, call: Call) {
      yield "one";
      await hang(call);
    },
  };
  return { calls, handlers };
}

type Options = { readonly signal?: AbortSignal; readonly deadlineMs?: number };
type Client = Awaited<ReturnType<typeof startForwarded<typeof methods>>>["client"];
const start = (client: Client, kind: Kind, options: Options): Promise<unknown> =>
  ({
    unary: () => client.unary("a", options),
    expand: () => Array.fromAsync(client.expand("a", options)),
    collect: () => client.collect(["a"], options),
    chat: () => Array.fromAsync(client.chat(["a"], options)),
  })[kind]();

test("messages of all kinds arrive in order, the empty and the largest among them", async () => {
  await using forwarded = await startForwarded(methods, echoing, { limits: { maxMessageBytes: LIMIT } });
  const { client } = forwarded;
  expect(await client.unary("")).toBe("");
  expect(await client.unary(LARGEST)).toBe(LARGEST);
  expect(await Array.fromAsync(client.expand("||c|"))).toEqual(["", "", "c", ""]);
  expect(await client.collect([])).toBe("");
  expect(await client.collect(["", "a", "b"])).toBe("|a|b");
  const sent = ["", "a", LARGEST.slice(0, LIMIT - 10), "", "b"];
  expect(await Array.fromAsync(client.chat(sent))).toEqual(sent.map((text) => `<${text}>`));
});

test("a conversation goes on message by message", async () => {
  await using forwarded = await startForwarded(methods, echoing);
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  async function* talk(): AsyncGenerator<string> {
    yield "one";
    await answered;
    yield "two";
  }
  const heard: string[] = [];
  for await (const answer of forwarded.client.chat(talk())) {
    heard.push(answer);
    resolve();
  }
  expect(heard).toEqual(["<one>", "<two>"]);
});

test("bytes are forwarded as they are, whatever they say", async () => {
  const schema = testSchema(methods);
  const path = echoPath("unary");
  const backend = await startTestServer({
    schema,
    services: [new Map([[path, (_, input) => singleInput(input)]])],
  });
  await using front = await startGateway(methods, staticDiscovery([backend.address]));
  await using raw = await rawConnection(front.gateway.address);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { body, trailers } = await raw.call(path, grpcFrame(bytes));
      expect(trailers["grpc-status"]).toBe("0");
      expect(grpcMessages(body).map((message) => [message.flag, [...message.bytes]])).toEqual([
        [0, [...bytes]],
      ]);
    }),
    { numRuns: 30 },
  );
  await backend.drain();
});

test.each(kinds)("%s: status, details and trailers are those of the backend", async (kind) => {
  const fail = (): never => {
    throw new RpcError({
      code: Code.ABORTED,
      reason: "SOLD",
      message: "sold – out",
      values: { sku: "L-1" },
      details: [{ type: "RetryInfo", delayMs: 1_500 }],
      trailers: [["resume-token", "after 7"]],
    });
  };
  await using forwarded = await startForwarded(methods, {
    unary: fail,
    // biome-ignore lint/correctness/useYield: it fails before
    async *expand() {
      fail();
    },
    collect: fail,
    async *chat() {
      yield "one";
      fail();
    },
  });
  const [ours, theirs] = await Promise.all(
    [forwarded.client, forwarded.direct].map((client) => failureOf(start(client, kind, {}))),
  );
  expect(ours?.trailers.get(DETAILS_KEY)).toEqual(theirs?.trailers.get(DETAILS_KEY));
  expect(ours?.trailers.get("resume-token")).toEqual(["after 7"]);
  expect(ours?.trailers.get("grpc-retry-pushback-ms")).toEqual(["1500"]);
  expect(ours?.message).toBe(theirs?.message);
  expect(ours).toMatchObject({ code: Code.ABORTED, reason: "SOLD" });
});

test.each(kinds)("%s: a caller that cancels cancels the backend", async (kind) => {
  const { calls, handlers } = hanging();
  await using forwarded = await startForwarded(methods, handlers);
  const controller = new AbortController();
  const call = failureOf(start(forwarded.client, kind, { signal: controller.signal }));
  await until(() => calls.length === 1);
  controller.abort();
  expect((await call).code).toBe(Code.CANCELLED);
  await until(() => calls[0]?.status?.code === Code.CANCELLED);
  await until(() => forwarded.gateway.openCalls === 0);
});

test.each(kinds)("%s: the caller's deadline is the backend's", async (kind) => {
  const { calls, handlers } = hanging();
  await using forwarded = await startForwarded(methods, handlers);
  const call = failureOf(start(forwarded.client, kind, { deadlineMs: 150 }));
  await until(() => calls.length === 1);
  // Rounded up to milliseconds.
  expect(calls[0]?.remainingMs).toBeLessThanOrEqual(151);
  expect((await call).code).toBe(Code.DEADLINE_EXCEEDED);
  await until(() => forwarded.backend.server.openCalls === 0);
  await until(() => forwarded.gateway.openCalls === 0);
});

test.each(kinds)("%s: a backend that dies under a call is UNAVAILABLE", async (kind) => {
  const { calls, handlers } = hanging();
  await using backend = await startEcho(methods, handlers);
  const link = await startCuttableLink(backend.server.port);
  await using front = await startGateway(methods, staticDiscovery([`127.0.0.1:${link.port}`]));
  const call = failureOf(start(front.client, kind, {}));
  await until(() => calls.length === 1);
  link.cut();
  expect(await call).toMatchObject({ code: Code.UNAVAILABLE, reason: "BACKEND_UNAVAILABLE" });
  await link.close();
});

test("a method that no backend implements, and one that nobody knows, are UNIMPLEMENTED", async () => {
  await using forwarded = await startForwarded(methods, echoing);
  expect((await failureOf(forwarded.client.absent("a"))).code).toBe(Code.UNIMPLEMENTED);
  await using raw = await rawConnection(forwarded.gateway.address);
  const { headers, trailers } = await raw.call(echoPath("nothing"), grpcFrame(Buffer.of()));
  expect({ ...headers, ...trailers }["grpc-status"]).toBe(String(Code.UNIMPLEMENTED));
});

test("a reader that does not read holds the backend back", async () => {
  let sent = 0;
  await using forwarded = await startForwarded(methods, {
    async *expand() {
      for (;;) {
        sent += 1;
        yield "x".repeat(10_000);
      }
    },
  });
  const controller = new AbortController();
  const messages = forwarded.client.expand("", { signal: controller.signal })[Symbol.asyncIterator]();
  await messages.next();
  // The windows of two connections, and what each side may have waiting.
  expect((await settled(() => sent)) * 10_000).toBeLessThan(4 * 1024 * 1024);
  controller.abort();
  await until(() => forwarded.backend.server.openCalls === 0);
});

test("a backend that does not read holds the caller back", async () => {
  const { calls, handlers } = hanging();
  await using forwarded = await startForwarded(methods, handlers);
  let given = 0;
  async function* endless(): AsyncGenerator<string> {
    for (;;) {
      given += 1;
      yield "x".repeat(10_000);
    }
  }
  const controller = new AbortController();
  const call = failureOf(forwarded.client.collect(endless(), { signal: controller.signal }));
  await until(() => calls.length === 1);
  expect((await settled(() => given)) * 10_000).toBeLessThan(4 * 1024 * 1024);
  controller.abort();
  expect((await call).code).toBe(Code.CANCELLED);
});

describe("compression", () => {
  const large = { policy: { compression: Compression.COMPRESSION_LARGE } };
  const packed = { unary: large, expand: { ...large, responseStream: true } } as const;
  const text = "compressible ".repeat(500);

  test.each(["unary", "expand"])("%s: what the backend compressed is passed on as it is", async (name) => {
    const links = () => [compress({ minBytes: 100, asyncFromBytes: 1_000_000 })];
    // The gateway has no link of its own that could compress.
    await using forwarded = await startForwarded(packed, echoing, { links }, {});
    await using raw = await rawConnection(forwarded.gateway.address);
    await using direct = await rawConnection(forwarded.backend.server.address);
    const ask = async (connection: RawConnection, headers: Record<string, string>) => {
      const reply = await connection.call(echoPath(name), grpcFrame(textBytes(text)), headers);
      return { encoding: reply.headers["grpc-encoding"], messages: grpcMessages(reply.body) };
    };
    const accepting = { [ACCEPT_ENCODING_KEY]: "gzip" };
    const through = await ask(raw, accepting);
    expect(through).toEqual(await ask(direct, accepting));
    expect(through).toMatchObject({ encoding: "gzip", messages: [{ flag: 1 }] });
    expect(await ask(raw, {})).toMatchObject({ encoding: "identity", messages: [{ flag: 0 }] });
  });
});

test("a backend is told from where the gateway was called, whatever the caller says", async () => {
  await using forwarded = await startForwarded(methods, {
    unary: (_, call) => call.metadata.get(FORWARDED_PEER_KEY) ?? "none",
  });
  const metadata = { [FORWARDED_PEER_KEY]: "203.0.113.7:4711" };
  const told = await forwarded.client.unary("", { metadata });
  expect(told).toBe(forwarded.gateway.ended[0]?.call.peer);
});

test("from a gateway that verifies nobody credentials pass, and nothing that is not on the list", async () => {
  await using forwarded = await startForwarded(methods, {
    unary: (key, call) => call.metadata.get(key) ?? "none",
  });
  const metadata = { authorization: "Bearer t", "x-api-key": "k", "x-internal": "1", cookie: "c" };
  const seen = await Promise.all(
    Object.keys(metadata).map((key) => forwarded.client.unary(key, { metadata })),
  );
  expect(seen).toEqual(["Bearer t", "k", "none", "none"]);
});
