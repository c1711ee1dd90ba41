import { getEventListeners } from "node:events";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Call } from "#impl/runtime/call.ts";
import { RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { implement } from "#impl/runtime/service.ts";
import { Code } from "#impl/runtime/status.ts";
import { ecommerceSchema, startTestServer } from "#impl/runtime/testing/test-server.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { ResumeExpired } from "#proto/ecommerce/v1/event.ts";
import {
  OrderServiceDefinition,
  TrackOrderRequest,
  TrackOrderResponse,
} from "#proto/ecommerce/v1/order_service.ts";
import type { ClientEvent } from "./client-events.ts";
import { createEcommerceClient } from "./ecommerce-client.ts";
import { isResumable } from "./resume.ts";

const schema = ecommerceSchema();

type Source = (from: number, call: Call) => AsyncIterable<number>;

const failing =
  (error: Error): Source =>
  () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });

/** A server whose stream is what `source` gives: numbers that are resume tokens too. */
let source: Source = failing(new Error());
const opened: string[] = [];
const server = await startTestServer({
  schema,
  services: [
    implement(OrderServiceDefinition, {
      async *trackOrder({ resumeToken }, call) {
        opened.push(resumeToken);
        for await (const number of source(Number(resumeToken), call)) {
          yield TrackOrderResponse.fromPartial({ resumeToken: `${number}` });
        }
      },
    }),
  ],
});
server.health.set("", "SERVING");
const events: ClientEvent[] = [];
const client = createEcommerceClient({
  addresses: [server.address],
  schema,
  resume: { initialBackoffMs: 0, maxAttempts: 3 },
  breaker: false,
  onEvent: (event) => events.push(event),
});
afterAll(async () => {
  await client.close();
  await server.drain();
});

const track = (resumeToken = "", options = {}) =>
  client.orders.trackOrder(TrackOrderRequest.fromPartial({ orderId: "o1", resumeToken }), options);

async function numbersOf(stream: AsyncIterable<{ resumeToken: string }>): Promise<number[]> {
  return (await Array.fromAsync(stream)).map(({ resumeToken }) => Number(resumeToken));
}

test("which streams resume is in the contract", () => {
  const resumable = [...schema.methods.values()].filter(isResumable).map(({ name }) => name);
  expect(resumable).toContain("TrackOrder");
  expect(resumable).toContain("WatchStock");
  expect(resumable).not.toContain("DownloadProductImage");
  expect(resumable).not.toContain("WatchProducts");
  expect(resumable).not.toContain("GetOrder");
});

test("wherever a stream breaks, its reader gets every message once and in order", async () => {
  const lives = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lives, fc.integer({ min: 0, max: 20 }), async (messages, last) => {
      const left = [...messages];
      source = async function* (from) {
        const life = left.shift();
        for (let number = from + 1; number <= last; number++) {
          if (life !== undefined && number > from + life) throw unavailable("BROKEN", "broken");
          yield number;
        }
      };
      expect(await numbersOf(track())).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    }),
    { numRuns: 30 },
  );
});

test("a stream that is opened with a token goes on after it", async () => {
  source = async function* (from) {
    yield from + 1;
  };
  expect(await numbersOf(track("41"))).toEqual([42]);
});

test("one that breaks before its first message goes on where the server says it began", async () => {
  let lives = 0;
  source = async function* (from, call) {
    if (lives++ > 0) {
      yield from + 1;
      return;
    }
    call.resumeToken = "7";
    throw new RpcError({
      code: Code.UNAVAILABLE,
      reason: "SERVER_DRAINING",
      message: "the server is shutting down",
      trailers: [["resume-token", "7"]],
    });
  };
  expect(await numbersOf(track())).toEqual([8]);
});

test("a reader that was too slow goes on", async () => {
  let lives = 0;
  source = async function* (from) {
    yield from + 1;
    if (lives++ === 0)
      throw new RpcError({ code: Code.RESOURCE_EXHAUSTED, reason: "SLOW", message: "too slow" });
  };
  expect(await numbersOf(track())).toEqual([1, 2]);
});

test("so many breaks in a row without a message are the reader's error, and it heard of each", async () => {
  source = failing(unavailable("BROKEN", "broken"));
  events.length = 0;
  opened.length = 0;
  await expect(numbersOf(track())).rejects.toMatchObject({ code: Code.UNAVAILABLE, reason: "BROKEN" });
  // Each opening is one attempt: nothing else retries it.
  expect(opened).toHaveLength(4);
  expect(events.filter(({ type }) => type === "resumed")).toHaveLength(3);
});

test("what is no break is the reader's error at once", async () => {
  source = failing(new Error("a defect"));
  opened.length = 0;
  await expect(numbersOf(track())).rejects.toMatchObject({ code: Code.INTERNAL });
  expect(opened).toHaveLength(1);
});

const expired = (): RpcError =>
  new RpcError({
    code: Code.OUT_OF_RANGE,
    reason: "RESUME_TOKEN_EXPIRED",
    message: "expired",
    details: [
      {
        type: "Message",
        typeName: "ecommerce.v1.ResumeExpired",
        value: ResumeExpired.encode(ResumeExpired.fromPartial({ snapshotToken: "100" })).finish(),
      },
    ],
  });

test("a token that has expired is the reader's error, unless it takes snapshots", async () => {
  source = async function* (from) {
    if (from < 100) throw expired();
    yield from + 1;
  };
  await expect(numbersOf(track("1"))).rejects.toMatchObject({
    code: Code.OUT_OF_RANGE,
    details: { resumeExpired: { snapshotToken: "100" } },
  });
  await using other = createEcommerceClient({
    addresses: [server.address],
    schema,
    resume: { initialBackoffMs: 0, snapshotWhenExpired: true },
  });
  expect(
    await numbersOf(other.orders.trackOrder(TrackOrderRequest.fromPartial({ resumeToken: "1" }))),
  ).toEqual([101]);
});

test("a reader that stops ends the stream on the server, and lets go of its signal", async () => {
  let ended = false;
  source = async function* (from, call) {
    yield from + 1;
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    ended = true;
  };
  const { signal } = new AbortController();
  for await (const _ of track("", { signal })) break;
  await until(() => ended);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("the deadline is that of the whole stream, however often it is opened", async () => {
  source = failing(unavailable("BROKEN", "broken"));
  await using patient = createEcommerceClient({
    addresses: [server.address],
    schema,
    resume: { initialBackoffMs: 20, maxAttempts: 1_000 },
    breaker: false,
  });
  const stream = patient.orders.trackOrder(TrackOrderRequest.fromPartial({}), { deadlineMs: 150 });
  await expect(numbersOf(stream)).rejects.toMatchObject({
    code: expect.toSatisfy((code) => code === Code.UNAVAILABLE || code === Code.DEADLINE_EXCEEDED),
  });
});
