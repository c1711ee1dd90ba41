import { Client, credentials } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { createLogging } from "#impl/observability/logging.ts";
import { type MemoryOutput, memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { createTracing } from "#impl/observability/tracing.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { Call } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { notFound, RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { startTestServer } from "#impl/runtime/testing/test-server.ts";
import { accessLog } from "./access-log.ts";
import { traceCalls } from "./trace.ts";

const methods = { unary: {} } as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);

const stops: Array<() => Promise<void>> = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Setup {
  readonly client: ClientOf<typeof definition>;
  readonly output: MemoryOutput;
  /** The lines, when there are this many. */
  readonly lines: (count: number) => Promise<Array<Record<string, unknown>>>;
}

async function serve(
  answer: () => Promise<string>,
  links: readonly Link[] = [],
  level = "info",
): Promise<Setup> {
  const output = memoryOutput();
  const logging = createLogging({ level, clock: systemClock, output });
  const server = await startTestServer({
    schema,
    links: [...links, accessLog(logging)],
    services: [implement(definition, { unary: answer })],
  });
  const channel = new Client(server.address, credentials.createInsecure());
  stops.push(async () => {
    channel.close();
    await server.drain();
  });
  return {
    client: createClient(definition, { channel, schema, clock: systemClock }),
    output,
    lines: async (count) => {
      await expect.poll(() => output.lines().length).toBe(count);
      return output.lines();
    },
  };
}

test("a call ends with one line that says who, what, how it went and how long", async () => {
  const identify: Link = (_, next) => (call, input) => {
    call.principal = { userId: "user-1", roles: [], permissions: new Set() };
    call.servedFromCache = true;
    return next(call, input);
  };
  const tracing = createTracing({ sampleRatio: 1, random: () => 0, clock: systemClock, serviceName: "test" });
  const { client, lines } = await serve(async () => "answer", [traceCalls(tracing), identify]);
  await client.unary("question");
  expect(await lines(1)).toEqual([
    {
      level: "info",
      time: expect.any(Number),
      msg: "call",
      method: "/testing.v1.EchoService/unary",
      code: "OK",
      durationMs: expect.any(Number),
      bytesIn: 10,
      bytesOut: 8,
      peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      userId: "user-1",
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      cached: true,
    },
  ]);
});

test("a call that is not traced, not known and not cached says nothing of it", async () => {
  const { client, lines } = await serve(async () => "answer");
  await client.unary("question");
  const [line] = await lines(1);
  expect(line).not.toHaveProperty("userId");
  expect(line).not.toHaveProperty("traceId");
  expect(line).not.toHaveProperty("cached");
});

test("an unexpected error is logged once, with its chain of causes and without reaching the caller", async () => {
  const { client, lines, output } = await serve(async () => {
    throw new Error("outer trouble", { cause: new TypeError("inner trouble") });
  });
  await expect(client.unary("a")).rejects.toMatchObject({ code: Code.INTERNAL });
  const [line] = await lines(1);
  expect(line).toMatchObject({
    level: "error",
    code: "INTERNAL",
    reason: "INTERNAL",
    err: {
      type: "Error",
      message: "outer trouble",
      stack: expect.stringContaining("access-log.test.ts"),
      cause: { type: "TypeError", message: "inner trouble" },
    },
  });
  expect(output.text.split(`"message":"outer trouble"`)).toHaveLength(2);
});

test("the caller's mistakes are info with their reason, and trouble of dependencies and limits is a warning", async () => {
  const errors = [
    notFound("testing.v1.Thing", "alice@example.com"),
    unavailable("DATABASE_DOWN", "try later", 10, new Error("connection refused")),
    new RpcError({ code: Code.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED", message: "slow down" }),
  ];
  const { client, lines, output } = await serve(async () => {
    throw errors.shift() ?? new Error("no more");
  });
  for (const code of [Code.NOT_FOUND, Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED]) {
    await expect(client.unary("a")).rejects.toMatchObject({ code });
  }
  expect(await lines(3)).toMatchObject([
    { level: "info", code: "NOT_FOUND", reason: "NOT_FOUND" },
    { level: "warn", code: "UNAVAILABLE", reason: "DATABASE_DOWN", err: { message: "connection refused" } },
    { level: "warn", code: "RESOURCE_EXHAUSTED", reason: "RATE_LIMITED" },
  ]);
  expect(output.text).not.toContain("alice");
});

test("at level warn only calls that somebody should look at leave a line", async () => {
  const answers = [async () => "fine", () => Promise.reject(new Error("broken"))];
  const { client, lines } = await serve(() => answers.shift()?.() ?? Promise.resolve(""), [], "warn");
  await client.unary("a");
  await expect(client.unary("a")).rejects.toMatchObject({ code: Code.INTERNAL });
  expect(await lines(1)).toMatchObject([{ level: "error" }]);
});

test("a line is one valid JSON object whatever the peer, the user and the cause are called", () => {
  const output = memoryOutput();
  const logging = createLogging({ level: "info", clock: systemClock, output });
  const environment = {
    clock: systemClock,
    log: logging.log,
    boundary: createErrorBoundary({ domain: "testing.example.com" }),
  };
  const [method] = schema.methods.values();
  if (method === undefined) throw new Error("no method");
  const handler = accessLog(logging)(method, () => new Uint8Array());
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('"', "\\", "\n", "\u2028", "\ud800", '","level":"fatal', "}\n{"),
  );
  fc.assert(
    fc.property(hostile, hostile, hostile, fc.boolean(), (peer, userId, text, fails) => {
      const before = output.text.length;
      const call = new Call(method, { get: () => undefined }, peer, Number.POSITIVE_INFINITY, environment);
      call.principal = { userId, roles: [], permissions: new Set() };
      void handler(call, new Uint8Array());
      if (fails) call.fail(Object.assign(new Error(text), { stack: text }));
      else call.fail(new RpcError({ code: Code.NOT_FOUND, reason: text, message: text }));
      const line = output.text.slice(before);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(JSON.parse(line)).toMatchObject(
        fails ? { level: "error", msg: "call" } : { level: "info", msg: "call", peer, userId },
      );
    }),
    { numRuns: 100 },
  );
});
