// Plants secrets wherever a call can carry them, and searches everything that leaves the process beside the answer.
import { Client, credentials, ServerCredentials } from "@grpc/grpc-js";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "#impl/client/client.ts";
import { startAdmin } from "#impl/observability/admin-http.ts";
import { createLogging } from "#impl/observability/logging.ts";
import { createMetrics } from "#impl/observability/metrics.ts";
import { startRuntimeStats } from "#impl/observability/runtime-stats.ts";
import { memoryOutput } from "#impl/observability/testing/memory-output.ts";
import { createTracing } from "#impl/observability/tracing.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { alreadyExists, RpcError } from "#impl/runtime/rpc-error.ts";
import { type RunningServer, startServer } from "#impl/runtime/server.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { accessLog } from "./access-log.ts";
import { callMetrics } from "./metrics.ts";
import { traceCalls } from "./trace.ts";

const CARD = "4111 1111 1111 1111";
const EMAIL = "alice.planted@example.com";
const TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZC1zaWduYXR1cmU";
const PASSWORD = "hunter2-planted";
const PLANTED = [CARD, CARD.replaceAll(" ", ""), EMAIL, TOKEN, PASSWORD, "planted"];
const everything = `${CARD} ${CARD.replaceAll(" ", "")} ${EMAIL} ${TOKEN} postgres://shop:${PASSWORD}@db/shop`;

const methods = { unary: {}, known: {}, dependency: {}, fine: {} } as const;
const definition = echoDefinition(methods);
const schema = testSchema(methods);
const output = memoryOutput();
const exporter = new InMemorySpanExporter();
const metrics = createMetrics({ processMetrics: false });
const tracing = createTracing({
  sampleRatio: 1,
  random: () => 0,
  clock: systemClock,
  serviceName: "test",
  exporter,
});

let server: RunningServer;
let channel: Client;
beforeAll(async () => {
  const logging = createLogging({ level: "trace", clock: systemClock, output });
  server = await startServer({
    schema,
    links: [traceCalls(tracing), callMetrics(metrics), accessLog(logging)],
    environment: {
      clock: systemClock,
      log: logging.log,
      boundary: createErrorBoundary({ domain: "testing.example.com" }),
    },
    credentials: ServerCredentials.createInsecure(),
    address: "127.0.0.1:0",
    services: [
      implement(definition, {
        fine: async (request, call) => {
          call.log.info({ request, metadata: call.metadata, call }, "handled");
          return request;
        },
        unary: async (request) => {
          const cause = Object.assign(new Error(request), { detail: request, parameters: [request] });
          throw new Error(`cannot handle ${request}`, { cause: new AggregateError([cause], request) });
        },
        known: async () => {
          throw alreadyExists("testing.v1.User", everything);
        },
        dependency: async () => {
          throw new RpcError({
            code: Code.UNAVAILABLE,
            reason: "DATABASE_DOWN",
            message: everything,
            values: { secret: everything },
            cause: new Error(everything),
          });
        },
      }),
    ],
  });
  channel = new Client(server.address, credentials.createInsecure());
});
afterAll(async () => {
  channel.close();
  await server.drain();
  await tracing.shutdown();
});

test("no secret of a request, its metadata or an error reaches a log line, a span or a metric", async () => {
  const client = createClient(definition, { channel, schema, clock: systemClock });
  const options = { metadata: { authorization: `Bearer ${TOKEN}`, cookie: PASSWORD, "x-card": CARD } };
  await client.fine(everything.replaceAll(PASSWORD, "x"), options);
  await expect(client.unary(everything, options)).rejects.toMatchObject({ code: Code.INTERNAL });
  await expect(client.known(everything, options)).rejects.toMatchObject({ code: Code.ALREADY_EXISTS });
  await expect(client.dependency(everything, options)).rejects.toMatchObject({ code: Code.UNAVAILABLE });
  await expect.poll(() => output.lines().filter((line) => line.msg === "call").length).toBe(4);
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(4);

  const spans = exporter.getFinishedSpans().map(({ name, attributes, events, status, resource }) => {
    return { name, attributes, events, status, resource: resource.attributes };
  });
  const sources = { logs: output.text, spans: JSON.stringify(spans), admin: await adminText() };
  for (const [source, text] of Object.entries(sources)) {
    expect(text, source).toContain("unary");
    for (const secret of PLANTED) expect(text, source).not.toContain(secret);
  }
  // The errors themselves are there: nothing was kept out by logging nothing.
  expect(output.text).toContain("cannot handle [card]");
});

async function adminText(): Promise<string> {
  const runtime = startRuntimeStats({ clock: systemClock, calls: () => 0, databaseQueries: () => 0 });
  const readiness = () => ({ ready: true, reasons: [] });
  const log = createLogging({ level: "info", clock: systemClock, output }).log;
  const admin = await startAdmin({ port: 0, metrics, readiness, runtime, log });
  const paths = ["/metrics", "/debug/runtime", "/readyz"];
  const texts = await Promise.all(
    paths.map(async (path) => (await fetch(`http://${admin.address}${path}`)).text()),
  );
  await admin.close();
  runtime.close();
  return texts.join("\n");
}
