import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { manualClock } from "./testing/manual-clock.ts";
import { createTracing } from "./tracing.ts";

let collector: Server;
afterEach(async () => {
  collector.close();
  collector.closeAllConnections();
  await once(collector, "close");
});

async function collect(onRequest: (request: IncomingMessage, answer: () => void) => void): Promise<string> {
  collector = createServer((request, response) => onRequest(request, () => response.end("{}")));
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  return `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
}

const options = { sampleRatio: 1, random: () => 0, serviceName: "shop" };

test("shutdown exports the spans that are left to the endpoint", async () => {
  const bodies: string[] = [];
  const endpoint = await collect((request, answer) => {
    void text(request).then((body) => {
      bodies.push(body);
      answer();
    });
  });
  const tracing = createTracing({ ...options, clock: systemClock, endpoint });
  tracing.tracer.startSpan("testing.v1.EchoService/unary").end();
  await tracing.shutdown();
  expect(bodies).toHaveLength(1);
  expect(bodies[0]).toContain("testing.v1.EchoService/unary");
  expect(bodies[0]).toContain("shop");
});

test("shutdown gives up on a collector that does not answer", async () => {
  const asked = Promise.withResolvers<void>();
  const endpoint = await collect(() => asked.resolve());
  const clock = manualClock();
  const tracing = createTracing({ ...options, clock, endpoint, shutdownTimeoutMs: 300 });
  tracing.tracer.startSpan("one").end();
  const stopped = tracing.shutdown();
  await asked.promise;
  clock.advance(300);
  await stopped;
  expect(clock.pending).toBe(0);
});
