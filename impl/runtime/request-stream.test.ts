import { expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { text } from "./testing/echo-service.ts";
import { grpcFrame, rawConnection, rawReply } from "./testing/raw-client.ts";
import { settled, until } from "./testing/turns.ts";

const CHUNK = "x".repeat(64 * 1024);
const FLOW_CONTROL_BYTES = 64 * 1024;
/** What the client of grpc-js keeps of a call for a retry, and reports as written. */
const RETRY_BUFFER_BYTES = 1024 * 1024;
const TOTAL = 3_200;

test("a handler that does not ask blocks a caller with 200 MB, in bounded memory, until it asks", async () => {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  await using echo = await startEcho(
    { collect: { requestStream: true } },
    {
      async collect(requests) {
        for await (const _ of requests) {
          asked += 1;
          if (asked === 2) await gate.promise;
          if (asked === 40) break;
        }
        return String(asked);
      },
    },
  );
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  let accepted = 0;
  let finished = false;
  async function* produce(): AsyncGenerator<string> {
    try {
      for (; accepted < TOTAL; accepted++) yield CHUNK;
    } finally {
      finished = true;
    }
  }
  const answer = echo.client.collect(produce());
  await until(() => asked === 2);
  const blockedAt = await settled(() => accepted);
  expect(blockedAt).toBeLessThanOrEqual(2 + (RETRY_BUFFER_BYTES + 2 * FLOW_CONTROL_BYTES) / CHUNK.length + 2);
  const after = process.memoryUsage();
  expect(after.heapUsed + after.arrayBuffers - heapUsed - arrayBuffers).toBeLessThan(32 * 1024 * 1024);
  expect(asked).toBe(2);
  gate.resolve();
  expect(await answer).toBe("40");
  // The answer came before the end of the requests: the producer is told, and not run dry.
  await until(() => finished);
  expect(accepted).toBeLessThan(TOTAL / 2);
});

test("many small messages of one frame are handed over one at a time and in order", async () => {
  const received: string[] = [];
  const steps: Array<() => void> = [];
  await using echo = await startEcho(
    { collect: { requestStream: true } },
    {
      async collect(requests) {
        for await (const request of requests) {
          received.push(request);
          await new Promise<void>((resolve) => steps.push(resolve));
        }
        return received.join("");
      },
    },
  );
  await using raw = await rawConnection(echo.server.address);
  const stream = raw.open(echoPath("collect"));
  const reply = rawReply(stream);
  stream.end(Buffer.concat([..."abcdef"].map((character) => grpcFrame(text.encode(character).finish()))));
  for (let n = 1; n <= 6; n++) {
    await until(() => steps.length === n);
    expect(await settled(() => received.length, 20)).toBe(n);
    steps[n - 1]?.();
  }
  expect((await reply).trailers["grpc-status"]).toBe("0");
  expect(received.join("")).toBe("abcdef");
});

test("a second reader is refused, and reading goes on after that", async () => {
  await using echo = await startEcho(
    { collect: { requestStream: true } },
    {
      async collect(requests) {
        const iterator = requests[Symbol.asyncIterator]();
        const first = await iterator.next();
        const rest: string[] = [String(first.value)];
        for await (const request of requests) rest.push(request);
        return rest.join("");
      },
    },
  );
  expect(await echo.client.collect(["a", "b", "c"])).toBe("abc");
});

test("a handler that stops reading ends well while its caller still writes", async () => {
  await using echo = await startEcho(
    { collect: { requestStream: true } },
    {
      async collect(requests) {
        for await (const request of requests) return request;
        return "none";
      },
    },
  );
  let told = false;
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) yield CHUNK;
    } finally {
      told = true;
    }
  }
  expect(await echo.client.collect(endless())).toBe(CHUNK);
  await until(() => told);
});
