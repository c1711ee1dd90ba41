import { expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import { manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { RateClass } from "#impl/runtime/policy.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { type Buckets, createMemoryBuckets } from "./buckets.ts";
import { type RateLimitOptions, rateLimit } from "./rate-limit.ts";

const { RATE_CLASS_WRITE, RATE_CLASS_STREAM, RATE_CLASS_CREDENTIALS, RATE_CLASS_BULK } = RateClass;
const methods = {
  read: {},
  readToo: {},
  write: { policy: { rate: RATE_CLASS_WRITE } },
  logIn: { policy: { rate: RATE_CLASS_CREDENTIALS } },
  watch: { responseStream: true as const, policy: { rate: RATE_CLASS_STREAM } },
  load: { requestStream: true as const, policy: { rate: RATE_CLASS_BULK } },
  chat: {
    requestStream: true as const,
    responseStream: true as const,
    policy: { rate: RATE_CLASS_STREAM },
  },
};

const trusting: Link = (_, next) => (call, input) => {
  const userId = call.metadata.get("x-user");
  const apiKeyId = call.metadata.get("x-api-key");
  const key = apiKeyId === undefined ? {} : { apiKeyId };
  if (userId !== undefined) call.principal = { userId, roles: [], permissions: new Set(), ...key };
  return next(call, input);
};

async function startLimited(
  options: Partial<RateLimitOptions> & { wrap?: (buckets: Buckets) => Buckets } = {},
) {
  const clock = manualClock(Date.now());
  const refused: string[] = [];
  const heard: string[] = [];
  const { wrap = (buckets: Buckets) => buckets, ...rest } = options;
  const echo = await startEcho(
    methods,
    {
      read: (request) => request,
      readToo: (request) => request,
      write: (request) => request,
      logIn: (request) => request,
      async *watch(request) {
        yield request;
      },
      load: async (requests) => (await Array.fromAsync(requests)).join(""),
      async *chat(requests) {
        for await (const request of requests) {
          heard.push(request);
          yield request;
        }
      },
    },
    {
      clock,
      links: () => [
        trusting,
        rateLimit({
          buckets: wrap(createMemoryBuckets({ clock })),
          limits: { read: { perSecond: 3, burst: 2 } },
          onRefused: (rateClass) => refused.push(rateClass),
          ...rest,
        }),
      ],
    },
  );
  return { echo, client: echo.client, clock, refused, heard };
}

const as = (user: string) => ({ metadata: { "x-user": user } });
const failure = (call: Promise<unknown>): Promise<CallError> =>
  call.then(
    () => Promise.reject(new Error("the call succeeded")),
    (error: unknown) => (error instanceof CallError ? error : Promise.reject(error)),
  );

test("who has used up a class is told who he is and how long to wait, and waiting as long admits", async () => {
  const { echo, client, clock, refused } = await startLimited();
  await using _ = echo;
  await client.read("", as("ann"));
  await client.readToo("", as("ann"));
  let pushback: unknown;
  const onTrailers = (trailers: { get(key: string): unknown[] }): void => {
    [pushback] = trailers.get("grpc-retry-pushback-ms");
  };
  const error = await failure(client.read("", { ...as("ann"), onTrailers }));
  expect(error).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED" });
  expect(error.details.errorInfo?.metadata).toEqual({ rate_class: "read" });
  expect(error.details.quotaFailure?.violations).toMatchObject([{ subject: "user:ann" }]);
  expect(error.details.retryInfo?.retryDelay).toEqual({ seconds: 0n, nanos: 333_334_000 });
  expect(pushback).toBe("334");
  expect(refused).toEqual(["read"]);

  clock.advance(333.333);
  expect((await failure(client.read("", as("ann")))).details.retryInfo?.retryDelay?.nanos).toBeLessThan(
    2_000,
  );
  clock.advance(0.001);
  expect(await client.read("again", as("ann"))).toBe("again");
});

test("accounts, addresses and classes have buckets of their own; a class without a limit has none", async () => {
  const { echo, client } = await startLimited();
  await using _ = echo;
  const withKey = { metadata: { "x-user": "ann", "x-api-key": "ann" } };
  for (const options of [as("ann"), withKey, as("bob"), {}]) {
    await client.read("", options);
    await client.read("", options);
    const error = await failure(client.read("", options));
    expect(error.code).toBe(Code.RESOURCE_EXHAUSTED);
    for (let i = 0; i < 10; i++) await client.write("", options);
  }
  const anonymous = await failure(client.read(""));
  expect(anonymous.details.quotaFailure?.violations).toMatchObject([{ subject: "address:127.0.0.1" }]);
});

test("accounts that are named are not limited", async () => {
  const { echo, client } = await startLimited({ unlimited: new Set(["service:shop"]) });
  await using _ = echo;
  for (let i = 0; i < 10; i++) await client.read("", as("service:shop"));
});

test("checking credentials is slow from one address and against one account", async () => {
  const { echo, client, clock } = await startLimited({ limits: { credentials: { perSecond: 1, burst: 3 } } });
  await using _ = echo;
  await client.logIn("");
  await client.logIn("", as("ann"));
  await client.logIn("", as("bob"));
  const subjectOf = async (call: Promise<unknown>) =>
    (await failure(call)).details.quotaFailure?.violations[0]?.subject;
  expect(await subjectOf(client.logIn("", as("carl")))).toBe("address:127.0.0.1");
  clock.advance(1_000);
  expect(await client.logIn("in", as("ann"))).toBe("in");
  clock.advance(1_000);
  expect(await client.logIn("in", as("ann"))).toBe("in");
});

test("a stream costs one token to open, whatever it sends; the messages of an import are free", async () => {
  const { echo, client } = await startLimited({
    limits: {
      stream: { perSecond: 1, burst: 1 },
      bulk: { perSecond: 1, burst: 1 },
      write: { perSecond: 1, burst: 1 },
    },
  });
  await using _ = echo;
  expect(await Array.fromAsync(client.watch("a"))).toEqual(["a"]);
  expect(await failure(Array.fromAsync(client.watch("b")))).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  expect(await client.load(["a", "b", "c"])).toBe("abc");
  expect(await failure(client.load(["d"]))).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
});

test("a chat that writes too fast is read no faster than its tokens come, and loses nothing", async () => {
  const { echo, client, clock, heard } = await startLimited({
    limits: { write: { perSecond: 10, burst: 2 } },
  });
  await using _ = echo;
  const timers = clock.pending;
  const chat = Array.fromAsync(client.chat(["a", "b", "c", "d"], as("ann")));
  await until(() => heard.length === 2 && clock.pending > timers);
  clock.advance(99);
  expect(heard).toEqual(["a", "b"]);
  clock.advance(1);
  await until(() => heard.length === 3 && clock.pending > timers);
  clock.advance(100);
  expect(await chat).toEqual(["a", "b", "c", "d"]);
});

test("buckets that answer later are waited for, in every kind of call", async () => {
  const later = (buckets: Buckets): Buckets => ({
    of(name, limit) {
      const take = buckets.of(name, limit);
      return async (key) => take(key);
    },
  });
  const one = { perSecond: 1, burst: 1 };
  const { echo, client } = await startLimited({
    wrap: later,
    limits: { read: one, stream: one, bulk: one, credentials: one },
  });
  await using _ = echo;
  const calls = [
    () => client.read("a"),
    () => Array.fromAsync(client.watch("a")),
    () => client.load(["a"]),
    () => client.logIn("a", as("ann")),
  ];
  for (const call of calls) {
    expect([await call()].flat()).toEqual(["a"]);
    expect(await failure(call())).toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  }
});
