import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClientOf, createClient } from "#impl/client/client.ts";
import { createMetrics, type Metrics } from "#impl/observability/metrics.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { notFound } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { startTestServer, type TestServer } from "#impl/runtime/testing/test-server.ts";
import { callMetrics } from "./metrics.ts";

const methods = { unary: {}, missing: {}, idle: {}, expand: { responseStream: true } } as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);

let server: TestServer;
let channel: Client;
let client: ClientOf<typeof definition>;
let metrics: Metrics;
const streaming = Promise.withResolvers<void>();

beforeAll(async () => {
  metrics = createMetrics({
    processMetrics: true,
    sources: {
      database: () => ({ busy: 2, idle: 3, waiting: 4 }),
      databaseQueries: () => 55,
      cache: () => ({ entries: 6, bytes: 7_000 }),
      droppedLogLines: () => 8,
    },
  });
  server = await startTestServer({
    schema,
    links: [callMetrics(metrics)],
    services: [
      implement(definition, {
        unary: async (request) => `${request}${"x".repeat(2_000)}`,
        missing: async () => {
          throw notFound("testing.v1.Thing", "7");
        },
        idle: async () => "",
        async *expand(request) {
          yield request;
          await streaming.promise;
        },
      }),
    ],
  });
  channel = new Client(server.address, credentials.createInsecure());
  client = createClient(definition, { channel, schema, clock: systemClock });
});
afterAll(async () => {
  streaming.resolve();
  channel.close();
  await server.drain();
});

/** The value of the sample with this name and labels; undefined when it is not exposed. */
async function sample(series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

test("calls are counted, timed and sized under both vocabularies", async () => {
  await client.unary("a");
  await client.unary("b");
  await expect(client.missing("a")).rejects.toMatchObject({ code: 5 });

  const unary = `service="testing.v1.EchoService",method="unary"`;
  const a66 = `grpc_method="testing.v1.EchoService/unary"`;
  expect(await sample(`grpc_requests_total{${unary},status="OK"}`)).toBe(2);
  expect(
    await sample(`grpc_requests_total{service="testing.v1.EchoService",method="missing",status="NOT_FOUND"}`),
  ).toBe(1);
  expect(await sample(`grpc_request_duration_seconds_count{${unary}}`)).toBe(2);
  expect(await sample(`grpc_request_duration_seconds_bucket{le="+Inf",${unary}}`)).toBe(2);
  expect(await sample(`grpc_request_duration_seconds_bucket{le="10",${unary}}`)).toBe(2);
  expect(await sample(`grpc_server_call_started_total{${a66}}`)).toBe(2);
  expect(await sample(`grpc_server_call_duration_seconds_count{${a66},grpc_status="OK"}`)).toBe(2);
  const sent = "grpc_server_call_sent_total_compressed_message_size_bytes";
  expect(await sample(`${sent}_bucket{le="1024",${a66},grpc_status="OK"}`)).toBe(0);
  expect(await sample(`${sent}_bucket{le="2048",${a66},grpc_status="OK"}`)).toBe(2);
  expect(await sample(`${sent}_sum{${a66},grpc_status="OK"}`)).toBe(2 * 2_004);
  const received = "grpc_server_call_rcvd_total_compressed_message_size_bytes";
  expect(await sample(`${received}_sum{${a66},grpc_status="OK"}`)).toBe(2 * 3);
});

test("a call is open from its start to its end", async () => {
  const open = `grpc_server_open_calls{grpc_method="testing.v1.EchoService/expand"}`;
  const ended = server.ended.length;
  const stream = client.expand("a")[Symbol.asyncIterator]();
  await stream.next();
  expect(await sample(open)).toBe(1);
  streaming.resolve();
  expect((await stream.next()).done).toBe(true);
  await expect.poll(() => server.ended.length).toBe(ended + 1);
  expect(await sample(open)).toBe(0);
});

test("names, types, labels and bounds are those that dashboards and alerts were written for", async () => {
  await client.unary("a");
  metrics.cacheOf(method("unary")).hits += 1;
  const text = await metrics.text();
  const types = text
    .split("\n")
    .filter((line) => line.startsWith("# TYPE ") && !/ (process|nodejs)_/.test(line))
    .map((line) => line.slice("# TYPE ".length));
  expect(types).toEqual([
    "grpc_requests_total counter",
    "grpc_request_duration_seconds histogram",
    "grpc_server_call_started_total counter",
    "grpc_server_open_calls gauge",
    "grpc_server_call_duration_seconds histogram",
    "grpc_server_call_sent_total_compressed_message_size_bytes histogram",
    "grpc_server_call_rcvd_total_compressed_message_size_bytes histogram",
    "response_cache_hits_total counter",
    "response_cache_misses_total counter",
    "database_connections gauge",
    "database_waiting_callers gauge",
    "database_queries_total counter",
    "response_cache_entries gauge",
    "response_cache_bytes gauge",
    "log_lines_dropped_total counter",
    "overload_call_limit gauge",
    "overload_calls gauge",
    "overload_streams gauge",
    "overload_refused_calls_total counter",
    "rate_limited_calls_total counter",
    "rate_limit_shared gauge",
    "rate_limit_memory_decisions_total counter",
  ]);
  expect(boundsOf(text, "grpc_request_duration_seconds", "unary")).toBe(
    "0.001 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf",
  );
  expect(boundsOf(text, "grpc_server_call_duration_seconds", "unary")).toBe(
    "0 0.00001 0.00005 0.0001 0.0003 0.0006 0.0008 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.01 0.013 0.016 0.02 0.025 0.03 0.04 0.05 0.065 0.08 0.1 0.13 0.16 0.2 0.25 0.3 0.4 0.5 0.65 0.8 1 2 5 10 20 50 100 +Inf",
  );
  expect(boundsOf(text, "grpc_server_call_sent_total_compressed_message_size_bytes", "unary")).toBe(
    "0 1024 2048 4096 16384 65536 262144 1048576 4194304 16777216 67108864 268435456 1073741824 4294967296 +Inf",
  );
  expect(await sample(`response_cache_hits_total{grpc_method="testing.v1.EchoService/unary"}`)).toBe(1);
  expect(await sample(`database_connections{state="busy"}`)).toBe(2);
  expect(await sample("database_queries_total")).toBe(55);
  expect(text).toContain("nodejs_eventloop_lag_seconds");
});

test("a method without calls exposes its counters at zero and no histogram", async () => {
  const text = await metrics.text();
  expect(text).toContain(`grpc_server_call_started_total{grpc_method="testing.v1.EchoService/idle"} 0`);
  expect(text).not.toContain(`duration_seconds_count{service="testing.v1.EchoService",method="idle"}`);
});

function method(name: string) {
  const found = schema.methods.get(`/testing.v1.EchoService/${name}`);
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

function boundsOf(text: string, name: string, of: string): string {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}_bucket`) && line.includes(`${of}"`))
    .map((line) => /le="([^"]+)"/.exec(line)?.[1])
    .join(" ");
}
