// What observing a call costs: each link over a handler that does nothing, and the same without a link to subtract.
// Usage: node impl/middleware/observe.bench.ts
import { Metadata } from "@grpc/grpc-js";
import { Bench } from "tinybench";
import { openLogOutput } from "#impl/observability/log-output.ts";
import { createLogging } from "#impl/observability/logging.ts";
import { createMetrics } from "#impl/observability/metrics.ts";
import { createTracing } from "#impl/observability/tracing.ts";
import { createErrorBoundary } from "#impl/runtime/boundary.ts";
import { Call, type CallEnvironment, type RequestMetadata } from "#impl/runtime/call.ts";
import { systemClock } from "#impl/runtime/clock.ts";
import { compose, type Handler, type Link } from "#impl/runtime/handler.ts";
import { systemRandom } from "#impl/runtime/ids.ts";
import type { Method } from "#impl/runtime/method.ts";
import { OK } from "#impl/runtime/status.ts";
import { testSchema } from "#impl/runtime/testing/echo-service.ts";
import { accessLog } from "./access-log.ts";
import { callMetrics } from "./metrics.ts";
import { traceCalls } from "./trace.ts";

const answer = new Uint8Array(200);
const request = new Uint8Array(20);
const principal = {
  userId: "0193f0a2-7b3c-7a10-9a53-0c3f6f9e2d11",
  roles: [],
  permissions: new Set<string>(),
};

/** Adds a case for each link and one without any; resolves what they hold when the returned function is called. */
export function addCases(bench: Bench): () => Promise<void> {
  const output = openLogOutput({ destination: "/dev/null", clock: systemClock });
  const logging = createLogging({ level: "info", clock: systemClock, output });
  const tracingAt = (sampleRatio: number) =>
    createTracing({ sampleRatio, random: systemRandom, clock: systemClock, serviceName: "bench" });
  const metrics = createMetrics({ processMetrics: false });
  const environment: CallEnvironment = {
    clock: systemClock,
    log: logging.log,
    boundary: createErrorBoundary({ domain: "bench.example.com" }),
  };
  const [method] = testSchema({ unary: {} }).methods.values();
  if (method === undefined) throw new Error("the schema of the bench has no method");

  const add = (name: string, links: readonly Link[]): void => {
    const handler = compose(links, method, () => answer);
    bench.add(name, () => runCall(handler, method, environment));
  };
  add("call, no link", []);
  add("call, access log", [accessLog(logging)]);
  add("call, metrics", [callMetrics(metrics)]);
  add("call, trace at 0 %", [traceCalls(tracingAt(0))]);
  add("call, trace at 1 %", [traceCalls(tracingAt(0.01))]);
  add("call, trace at 100 %", [traceCalls(tracingAt(1))]);
  add("call, all three, trace at 1 %", [
    traceCalls(tracingAt(0.01)),
    callMetrics(metrics),
    accessLog(logging),
  ]);
  return () => output.close();
}

/** From headers to status, as the transport does it. */
function runCall(handler: Handler, method: Method, environment: CallEnvironment): void {
  const call = new Call(method, metadata, "127.0.0.1:54321", Number.POSITIVE_INFINITY, environment);
  call.principal = principal;
  call.receivedBytes = request.byteLength;
  void handler(call, request);
  call.sentBytes = answer.byteLength;
  call.finish(OK);
}

const metadata = requestMetadata();

/** Read as the transport's metadata is. */
function requestMetadata(): RequestMetadata {
  const sent = new Metadata();
  sent.set("user-agent", "grpc-node-js/1.14.7");
  sent.set("authorization", "Bearer x");
  sent.set("x-accept-encoding", "gzip");
  return {
    get(key) {
      const [value] = sent.get(key);
      return value === undefined || typeof value === "string" ? value : value.toString("base64");
    },
  };
}

if (import.meta.main) {
  const bench = new Bench({ time: 1_000, warmupTime: 300 });
  const close = addCases(bench);
  await bench.run();
  for (const task of bench.tasks) {
    const { result } = task;
    const [median, mean] = "latency" in result ? [result.latency.p50, result.latency.mean] : [NaN, NaN];
    const nanoseconds = (milliseconds: number): string => String(Math.round(milliseconds * 1e6)).padStart(6);
    process.stdout.write(
      `${task.name.padEnd(34)} median ${nanoseconds(median)} ns, mean ${nanoseconds(mean)} ns\n`,
    );
  }
  await close();
}
