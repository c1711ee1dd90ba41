import { expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { DEFAULT_SEND_WINDOW_BYTES } from "./dispatch.ts";
import { SendWindow } from "./send-window.ts";
import { text } from "./testing/echo-service.ts";
import { grpcFrame, grpcMessages, rawConnection } from "./testing/raw-client.ts";
import { settled, until } from "./testing/turns.ts";

const CHUNK = "x".repeat(64 * 1024);
const TOTAL = 3_200;
/** What HTTP/2 lets go without the reader's consent: its initial window, as node:http2 sets it. */
const FLOW_CONTROL_BYTES = 64 * 1024;
const MAX_AHEAD = Math.ceil((DEFAULT_SEND_WINDOW_BYTES + FLOW_CONTROL_BYTES) / CHUNK.length) + 2;

const heapAndBuffers = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

test("a producer of 200 MB waits for a reader that does not read, in bounded memory, and goes on with it", async () => {
  let produced = 0;
  let stopped = false;
  await using echo = await startEcho(
    { stream: { responseStream: true } },
    {
      async *stream() {
        try {
          while (produced < TOTAL) {
            produced += 1;
            yield CHUNK;
          }
        } finally {
          stopped = true;
        }
      },
    },
  );
  await using raw = await rawConnection(echo.server.address);
  const before = heapAndBuffers();
  const stream = raw.open(echoPath("stream"));
  stream.pause();
  stream.end(grpcFrame(text.encode("").finish()));
  await until(() => produced > 0);
  const blockedAt = await settled(() => produced);
  expect(blockedAt).toBeLessThanOrEqual(MAX_AHEAD);
  expect(heapAndBuffers() - before).toBeLessThan(32 * 1024 * 1024);

  // Each message that is read lets about one more be made.
  let read = 0;
  stream.on("data", (bytes: Buffer) => {
    read += bytes.byteLength;
    if (read > 20 * CHUNK.length) stream.pause();
  });
  stream.resume();
  await until(() => read > 20 * CHUNK.length);
  const resumedTo = await settled(() => produced);
  expect(resumedTo).toBeGreaterThanOrEqual(20);
  expect(resumedTo).toBeLessThanOrEqual(20 + MAX_AHEAD + 4);

  stream.close(8);
  await until(() => stopped && echo.server.openCalls === 0);
});

test.each([
  ["empty", ""],
  ["tiny", "x"],
])("an endless producer of %s messages waits too, and lets other calls be served", async (_, message) => {
  let produced = 0;
  await using echo = await startEcho(
    { stream: { responseStream: true }, unary: {} },
    {
      async *stream() {
        for (;;) {
          produced += 1;
          yield message;
          // A defect would otherwise never let the test end.
          if (produced > 1_000_000) return;
        }
      },
      unary: (request) => request,
    },
  );
  await using raw = await rawConnection(echo.server.address);
  const stream = raw.open(echoPath("stream"));
  stream.pause();
  stream.end(grpcFrame(text.encode("").finish()));
  await until(() => produced > 0);
  expect(await echo.client.unary("served")).toBe("served");
  expect(await settled(() => produced, 1_000)).toBeLessThan(50_000);
  stream.close(8);
  await until(() => echo.server.openCalls === 0);
});

test("a bidirectional echo is held by a reader that does not read, and so holds its writer", async () => {
  let received = 0;
  await using echo = await startEcho(
    { chat: { requestStream: true, responseStream: true } },
    {
      async *chat(requests) {
        for await (const request of requests) {
          received += 1;
          yield request;
        }
      },
    },
  );
  await using raw = await rawConnection(echo.server.address);
  const stream = raw.open(echoPath("chat"));
  stream.pause();
  let accepted = 0;
  const frame = grpcFrame(text.encode(CHUNK).finish());
  const total = 200;
  const writing = (async () => {
    for (let n = 0; n < total; n++) {
      await new Promise<void>((resolve) => stream.write(frame, () => resolve()));
      accepted += 1;
    }
    stream.end();
  })();
  await until(() => received > 0);
  expect(await settled(() => received)).toBeLessThanOrEqual(MAX_AHEAD);
  // Behind the handler waits what flow control lets go, and one frame.
  expect(await settled(() => accepted)).toBeLessThanOrEqual(2 * MAX_AHEAD);

  const chunks: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => chunks.push(bytes));
  stream.resume();
  await new Promise((resolve) => stream.once("end", resolve));
  await writing;
  expect(grpcMessages(Buffer.concat(chunks))).toHaveLength(total);
});

test("a window lets go when space is made or it is closed, now and later", async () => {
  const window = new SendWindow(10);
  window.add(10);
  expect(window.full).toBe(false);
  await window.space();
  window.add(1);
  expect(window.full).toBe(true);
  const space = window.space();
  window.remove(1);
  await space;
  window.add(100);
  const closed = window.space();
  window.close();
  await closed;
  await window.space();
  expect([window.full, window.unsentBytes]).toEqual([false, 110]);
});
