import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import { isStream, type Link } from "./handler.ts";
import type { Message } from "./message.ts";
import { Code } from "./status.ts";
import { ECHO_SERVICE } from "./testing/echo-service.ts";
import { until } from "./testing/turns.ts";

const methods = { unary: {}, stream: { responseStream: true }, collect: { requestStream: true } } as const;

const identity = (bytes: Buffer): Buffer => bytes;
/** HealthCheckRequest of a service, and the statuses of the responses. */
const healthRequest = (service: string): Buffer =>
  service === "" ? Buffer.of() : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
const SERVING = 1;
const NOT_SERVING = 2;

function watchHealth(channel: Client, service: string) {
  const seen: number[] = [];
  const ended = Promise.withResolvers<number>();
  const call = channel.makeServerStreamRequest(
    "/grpc.health.v1.Health/Watch",
    identity,
    identity,
    healthRequest(service),
    {},
  );
  call.on("data", (message: Buffer) => seen.push(message[1] ?? 0));
  call.on("error", () => {});
  call.on("status", ({ code }) => ended.resolve(code));
  return { seen, ended: ended.promise };
}

async function failure(call: Promise<unknown>): Promise<CallError> {
  const error = await call.catch((reason: unknown) => reason);
  if (error instanceof CallError) return error;
  throw new Error(`a CallError was due, got ${String(error)}`);
}

test("a drain says NOT_SERVING, lets unary calls finish, ends streams with a resume token, and takes no new calls", async () => {
  const answer = Promise.withResolvers<string>();
  const order: string[] = [];
  await using echo = await startEcho(
    methods,
    {
      unary: () => answer.promise,
      async *stream(request, call) {
        call.resumeToken = request === "" ? undefined : `after-${request}`;
        yield "one";
        await new Promise((_, reject) =>
          call.signal.addEventListener("abort", () => reject(call.signal.reason)),
        );
      },
      async collect(requests) {
        let all = "";
        for await (const request of requests) all += request;
        return all;
      },
    },
    { limits: { drainGraceMs: 10_000 } },
  );
  const { server, client, channel } = echo;
  for (const service of ["", ECHO_SERVICE]) server.health.set(service, "SERVING");
  const watches = ["", ECHO_SERVICE].map((service) => watchHealth(channel, service));
  await until(() => watches.every(({ seen }) => seen.length === 1));

  const unary = client.unary("").then((message) => order.push(`unary ${message}`));
  const more = Promise.withResolvers<void>();
  async function* requests(): AsyncGenerator<string> {
    yield "a";
    await more.promise;
    yield "b";
  }
  const collect = client.collect(requests());
  const readers = ["token", ""].map((request) => {
    const received: string[] = [];
    const ended = failure(
      (async () => {
        for await (const message of client.stream(request)) received.push(message);
      })(),
    );
    return { received, ended };
  });
  await until(() => server.openCalls === 4 && readers.every(({ received }) => received.length === 1));

  const drained = server.drain();
  expect(server.drain()).toBe(drained);
  const [resumable, plain] = await Promise.all(readers.map(({ ended }) => ended));
  expect(resumable).toMatchObject({ code: Code.UNAVAILABLE, reason: "SERVER_DRAINING" });
  expect(resumable?.details.errorInfo?.metadata).toEqual({ resume_token: "after-token" });
  expect(resumable?.trailers.get("resume-token")).toEqual(["after-token"]);
  expect(plain?.trailers.get("resume-token")).toEqual([]);
  for (const { seen, ended } of watches) {
    expect(await ended).toBe(Code.OK);
    expect(seen).toEqual([SERVING, NOT_SERVING]);
  }

  const newcomer = new Client(server.address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const refused = await new Promise<number | undefined>((resolve) => {
    newcomer.makeUnaryRequest(`/${ECHO_SERVICE}/unary`, identity, identity, Buffer.of(), {}, (error) =>
      resolve(error?.code),
    );
  });
  newcomer.close();
  expect(refused).toBe(Code.UNAVAILABLE);
  expect((await failure(client.unary("new"))).code).toBe(Code.UNAVAILABLE);

  expect(order).toEqual([]);
  answer.resolve("finished");
  more.resolve();
  await unary;
  expect(await collect).toBe("ab");
  await drained;
  expect(order).toEqual(["unary finished"]);
  expect(server.openCalls).toBe(0);
  server.health.set("", "SERVING");
  expect(server.health.get("")).toBe("NOT_SERVING");
});

test("a stream that is drained between a message and its sending names the place before the message", async () => {
  const held = Promise.withResolvers<void>();
  const hold: Link = (_, next) => (call, input) => {
    const output = next(call, input);
    return isStream<Message>(output) ? holdSecond(output) : output;
  };
  async function* holdSecond(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
    let count = 0;
    for await (const message of messages) {
      if (++count === 2) await held.promise;
      yield message;
    }
  }
  const yielded: string[] = [];
  await using echo = await startEcho(
    methods,
    {
      async *stream(_, call) {
        for (const message of ["one", "two"]) {
          call.nextResumeToken = `after-${message}`;
          yielded.push(message);
          yield message;
        }
      },
    },
    { links: () => [hold] },
  );
  const received: string[] = [];
  const ended = failure(
    (async () => {
      for await (const message of echo.client.stream("")) received.push(message);
    })(),
  );
  await until(() => yielded.length === 2 && received.length === 1);
  const drained = echo.server.drain();
  held.resolve();
  expect((await ended).trailers.get("resume-token")).toEqual(["after-one"]);
  expect(received).toEqual(["one"]);
  await drained;
});

test("a call that outlives the grace is told UNAVAILABLE before its connection is cut", async () => {
  await using echo = await startEcho(
    methods,
    { unary: () => new Promise(() => {}) },
    { limits: { drainGraceMs: 50 } },
  );
  const unary = failure(echo.client.unary(""));
  await until(() => echo.server.openCalls === 1);
  await echo.server.drain();
  expect(await unary).toMatchObject({ code: Code.UNAVAILABLE, reason: "SERVER_DRAINING" });
  expect(echo.server.openCalls).toBe(0);
});

test("a process whose calls and watches hang drains within its grace and then exits by itself", async () => {
  const script = new URL("./testing/drain-and-exit.ts", import.meta.url).pathname;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { timeout: 15_000 });
  expect(stderr).toBe("");
  expect(stdout).toBe("drained, 0 open\n");
});
