import { Client, credentials } from "@grpc/grpc-js";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { createTracing, type Tracing } from "#impl/observability/tracing.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { traceCalls } from "./trace.ts";

const methods = {
  unary: {},
  forward: {},
  missing: {},
  broken: {},
  expand: { responseStream: true },
} as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT_ID = "00f067aa0ba902b7";

let server: TestServer;
let channel: Client;
let client: ClientOf<typeof definition>;
let tracing: Tracing;
let seen: Array<string | undefined> = [];
let chance = 0;
const exporter = new InMemorySpanExporter();

beforeAll(async () => {
  tracing = createTracing({
    sampleRatio: 0.5,
    random: () => chance,
    clock: systemClock,
    serviceName: "test",
    exporter,
  });
  server = await startTestServer({
    schema,
    links: [traceCalls(tracing)],
    services: [
      implement(definition, {
        unary: async (request, call) => {
          seen.push(call.metadata.get("traceparent"));
          return request;
        },
        forward: (request, call) => client.unary(request, { parent: call }),
        missing: async () => {
          throw notFound("testing.v1.Thing", "alice@example.com");
        },
        broken: async () => {
          throw new Error("secret trouble");
        },
        async *expand(request) {
          yield request;
        },
      }),
    ],
  });
  channel = new Client(server.address, credentials.createInsecure());
  client = createClient(definition, { channel, schema, clock: systemClock });
});
beforeEach(() => {
  exporter.reset();
  seen = [];
  chance = 0;
});
afterAll(async () => {
  channel.close();
  await server.drain();
  await tracing.shutdown();
});

const spans = () => exporter.getFinishedSpans();

test("a traced call has one server span with the names of the convention and nothing about the caller", async () => {
  await client.unary("a");
  await expect.poll(() => spans().length).toBe(1);
  const [span] = spans();
  expect(span).toMatchObject({
    name: "testing.v1.EchoService/unary",
    kind: SpanKind.SERVER,
    attributes: {
      "rpc.system.name": "grpc",
      "rpc.method": "testing.v1.EchoService/unary",
      "rpc.status_code": "OK",
    },
    status: { code: SpanStatusCode.UNSET },
    events: [],
  });
  expect(Object.keys(span?.attributes ?? {})).toHaveLength(3);
  expect(span?.parentSpanContext).toBeUndefined();
});

test("a span ends no earlier than it starts, close to now", async () => {
  await Array.fromAsync(client.expand("a"));
  await expect.poll(() => spans().length).toBe(1);
  const milliseconds = ([seconds, nanos]: readonly [number, number]) => seconds * 1_000 + nanos / 1e6;
  for (const { startTime, endTime } of spans()) {
    expect(milliseconds(endTime)).toBeGreaterThan(milliseconds(startTime));
    expect(Math.abs(milliseconds(endTime) - systemClock.now())).toBeLessThan(60_000);
  }
});

test("errors of the server mark the span by their code, errors of the caller do not, and no text is kept", async () => {
  await expect(client.missing("a")).rejects.toMatchObject({ code: Code.NOT_FOUND });
  await expect(client.broken("a")).rejects.toMatchObject({ code: Code.INTERNAL });
  await expect.poll(() => spans().length).toBe(2);
  const [missing, broken] = spans();
  expect(missing?.attributes["rpc.status_code"]).toBe("NOT_FOUND");
  expect(missing?.attributes).not.toHaveProperty("error.type");
  expect(missing?.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(broken?.attributes).toMatchObject({ "rpc.status_code": "INTERNAL", "error.type": "INTERNAL" });
  expect(broken?.status).toEqual({ code: SpanStatusCode.ERROR });
  expect(broken?.events).toEqual([]);
});

test("a caller that is traced is the parent, whatever chance says", async () => {
  chance = 0.99;
  await client.unary("a", { metadata: { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01` } });
  await expect.poll(() => spans().length).toBe(1);
  expect(spans()[0]?.spanContext().traceId).toBe(TRACE_ID);
  expect(spans()[0]?.parentSpanContext).toMatchObject({ spanId: PARENT_ID, isRemote: true });
});

test("a caller that is not traced makes no span, whatever chance says, and its decision is passed on", async () => {
  const traceparent = `00-${TRACE_ID}-${PARENT_ID}-00`;
  await client.forward("a", { metadata: { traceparent } });
  await expect.poll(() => server.ended.at(-1)?.call.method.name).toBe("forward");
  expect(spans()).toEqual([]);
  expect(server.ended.at(-1)?.call.span).toBeUndefined();
  expect(seen).toEqual([traceparent]);
});

test("a call made on behalf of a traced call is the child of its span", async () => {
  await client.forward("a");
  await expect.poll(() => spans().length).toBe(2);
  const [child, parent] = spans();
  expect(child?.name).toBe("testing.v1.EchoService/unary");
  expect(child?.spanContext().traceId).toBe(parent?.spanContext().traceId);
  expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
  expect(parent?.parentSpanContext).toBeUndefined();
});

test("without a parent chance decides: below the ratio a trace begins, from it on none", async () => {
  chance = 0.5;
  await client.unary("a");
  chance = 0.499;
  await client.unary("b");
  await expect.poll(() => spans().length).toBe(1);
  expect(seen).toEqual([undefined, undefined]);
});

test("a malformed traceparent is ignored and not passed on", async () => {
  chance = 0.99;
  await client.forward("a", { metadata: { traceparent: `00-${"0".repeat(32)}-${PARENT_ID}-01` } });
  expect(spans()).toEqual([]);
  expect(seen).toEqual([undefined]);
});

test("a ratio outside 0 to 1 and an endpoint that is no URL are refused with their values", () => {
  const options = { random: () => 0, clock: systemClock, serviceName: "test" };
  expect(() => createTracing({ ...options, sampleRatio: 1.5 })).toThrow(
    "sampleRatio 1.5: must be from 0 to 1",
  );
  expect(() => createTracing({ ...options, sampleRatio: 1, endpoint: "nowhere:1" })).toThrow(
    'endpoint "nowhere:1": must be an http or https URL',
  );
});
