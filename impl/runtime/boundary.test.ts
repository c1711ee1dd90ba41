import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CallError } from "#impl/client/call-error.ts";
import { type Echo, echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { createErrorBoundary } from "./boundary.ts";
import type { ErrorDetail } from "./error-details.ts";
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
  notFound,
  RpcError,
  unavailable,
} from "./rpc-error.ts";
import { Code, DETAILS_KEY } from "./status.ts";
import { text } from "./testing/echo-service.ts";
import { grpcFrame, rawConnection } from "./testing/raw-client.ts";

const methods = { fail: {}, failLater: {}, stream: { responseStream: true } } as const;
const SECRET = "password=hunter2";

class Translated extends Error {}
class Hostile extends Error {}

let echo: Echo<typeof methods>;
/** What the handlers throw. */
let thrown: unknown;
beforeAll(async () => {
  echo = await startEcho(
    methods,
    {
      fail() {
        throw thrown;
      },
      failLater: () => Promise.reject(thrown),
      async *stream(request) {
        for (const character of request) yield character;
        throw thrown;
      },
    },
    {
      translators: [
        (error) => (error instanceof Translated ? notFound("shop.v1.Widget", "w1") : undefined),
        (error) => {
          if (error instanceof Hostile) throw new Error(`translator failed on ${SECRET}`);
          return undefined;
        },
      ],
    },
  );
});
afterAll(() => echo[Symbol.asyncDispose]());

async function failWith(error: unknown, method: "fail" | "failLater" = "fail"): Promise<CallError> {
  thrown = error;
  const caught = await echo.client[method]("").catch((reason: unknown) => reason);
  if (caught instanceof CallError) return caught;
  throw new Error(`a CallError was due, got ${String(caught)}`);
}

const lastStatus = () => echo.server.ended.at(-1)?.status;

const strange: ReadonlyArray<readonly [string, unknown]> = [
  ["an error", new Error(SECRET)],
  ["undefined", undefined],
  ["null", null],
  ["a string", SECRET],
  ["a frozen object", Object.freeze({ code: 5, details: SECRET, message: SECRET })],
  ["an object without prototype", Object.assign(Object.create(null), { message: SECRET })],
  [
    "an error whose message throws",
    Object.defineProperty(new Error(), "message", {
      get: () => {
        throw new Error(SECRET);
      },
    }),
  ],
  [
    "a status of a callee",
    new CallError(
      "/a/b",
      Object.assign(new Error(SECRET), { code: 5, details: SECRET, metadata: undefined as never }),
    ),
  ],
  ["an error that a translator chokes on", new Hostile()],
  [
    "details that cannot be encoded",
    new RpcError({
      code: Code.UNAVAILABLE,
      reason: "X",
      message: "x",
      details: [{ type: "RetryInfo", delayMs: Number.NaN }],
    }),
  ],
];

test.each(strange)("%s that is thrown is INTERNAL without a word of it on the wire", async (_, error) => {
  for (const method of ["fail", "failLater"] as const) {
    const caught = await failWith(error, method);
    expect([caught.code, caught.reason, caught.message]).toEqual([
      Code.INTERNAL,
      "INTERNAL",
      `${echoPath(method)}: INTERNAL: internal error`,
    ]);
    expect(caught.details.errorInfo?.metadata).toEqual({});
    const cause = lastStatus()?.cause;
    if (cause instanceof AggregateError) expect(cause.errors[0]).toBe(error);
    else expect(cause).toBe(error);
  }
  await using raw = await rawConnection(echo.server.address);
  const reply = await raw.call(echoPath("fail"), grpcFrame(Buffer.of()));
  const details = Buffer.from(String(reply.headers[DETAILS_KEY]), "base64").toString("latin1");
  expect(JSON.stringify([reply.headers, reply.trailers]) + details).not.toContain("hunter2");
});

test.each([
  ["before the first message", ""],
  ["after some messages", "abc"],
])("a stream that fails %s delivers what came before", async (_, request) => {
  thrown = notFound("shop.v1.Widget", "w1");
  const received: string[] = [];
  const reading = (async () => {
    for await (const message of echo.client.stream(request)) received.push(message);
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.NOT_FOUND, reason: "NOT_FOUND" });
  expect(received.join("")).toBe(request);
});

test("a translator gives an error its status and keeps it as the cause", async () => {
  const error = new Translated(SECRET);
  const caught = await failWith(error);
  expect([caught.code, caught.reason]).toEqual([Code.NOT_FOUND, "NOT_FOUND"]);
  expect(lastStatus()?.cause).toBe(error);
});

const details: readonly ErrorDetail[] = [
  { type: "BadRequest", violations: [{ field: "a.b[2]", description: "is odd", reason: "odd" }] },
  { type: "RetryInfo", delayMs: 1_500 },
  { type: "QuotaFailure", violations: [{ subject: "user:1", description: "calls" }] },
  { type: "PreconditionFailure", violations: [{ type: "T", subject: "s", description: "d" }] },
  { type: "ResourceInfo", resourceType: "t", resourceName: "n" },
];

test("every detail makes the round trip, with one ErrorInfo that carries reason, domain and values", async () => {
  const values = { sku: "85123A", note: "ünïcode\n" };
  const caught = await failWith(
    new RpcError({ code: Code.ABORTED, reason: "ALL", message: "all", values, details }),
  );
  expect(caught.details).toMatchObject({
    errorInfo: { reason: "ALL", domain: "testing.example.com", metadata: values },
    badRequest: { fieldViolations: [{ field: "a.b[2]", description: "is odd", reason: "odd" }] },
    retryInfo: { retryDelay: { seconds: 1n, nanos: 500_000_000 } },
    quotaFailure: { violations: [{ subject: "user:1", description: "calls" }] },
    preconditionFailure: { violations: [{ type: "T", subject: "s", description: "d" }] },
    resourceInfo: { resourceType: "t", resourceName: "n" },
  });
  expect(lastStatus()?.details.filter(({ typeUrl }) => typeUrl.endsWith(".ErrorInfo"))).toHaveLength(1);
  expect(caught.trailers.get("grpc-retry-pushback-ms")).toEqual(["1500"]);
});

test.each([
  ["unicode, newlines and percent signs", "ünï→\n\r\t 100 % %20 𝄞", "ünï→\n\r\t 100 % %20 𝄞"],
  ["a lone surrogate", "cut \ud834", "cut \ufffd"],
])("a message with %s arrives", async (_, message, expected) => {
  const caught = await failWith(new RpcError({ code: Code.ABORTED, reason: "TEXT", message }));
  expect(caught.message).toBe(`${echoPath("fail")}: ABORTED: ${expected}`);
  thrown = new RpcError({ code: Code.ABORTED, reason: "TEXT", message });
  await expect(Array.fromAsync(echo.client.stream("a"))).rejects.toMatchObject({ code: Code.ABORTED });
});

test("a trailer that HTTP/2 cannot carry costs the details, not the status", async () => {
  const error = new RpcError({
    code: Code.ABORTED,
    reason: "TEXT",
    message: "no",
    trailers: [["resume-token", "→"]],
  });
  expect((await failWith(error)).code).toBe(Code.ABORTED);
  expect(echo.server.log.at(-1)).toMatchObject({
    level: "error",
    message: "the details of a status cannot be sent",
  });
});

const huge = "x".repeat(100_000);
test.each([
  ["a long message", notFound("shop.v1.Widget", huge)],
  ["a long name", alreadyExists(huge, "→".repeat(100_000))],
  [
    "many violations",
    invalidArgument(
      Array.from({ length: 10_000 }, (_, n) => ({ field: `rows[${n}]`, description: huge, reason: "r" })),
    ),
  ],
  ["a long subject", failedPrecondition("P", huge, huge)],
  ["a long cause of delay", unavailable("U", huge, 1_000)],
])("%s is cut to what the headers of any peer can hold", async (_, error) => {
  thrown = error;
  await using raw = await rawConnection(echo.server.address);
  const { headers } = await raw.call(echoPath("fail"), grpcFrame(text.encode("").finish()));
  expect(headers["grpc-status"]).toBe(String(error.code));
  const bytes = Object.entries(headers).reduce(
    (sum, [key, value]) => sum + key.length + String(value).length + 32,
    0,
  );
  expect(bytes).toBeLessThan(8 * 1024);
  expect((await failWith(error)).reason).toBe(error.reason);
});

test("the first violations of many are kept", async () => {
  const violations = Array.from({ length: 1_000 }, (_, n) => ({
    field: `rows[${n}].name`,
    description: "is empty",
    reason: "string.min_len",
  }));
  const kept = (await failWith(invalidArgument(violations))).details.badRequest?.fieldViolations;
  expect(kept?.length).toBeGreaterThan(20);
  expect(kept?.[20]?.field).toBe("rows[20].name");
});

test("the boundary answers anything with a status and exactly one ErrorInfo", () => {
  const boundary = createErrorBoundary({ domain: "d" });
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true, withTypedArray: true }), (error) => {
      const status = boundary(error);
      expect([status.code, status.message, status.details.length]).toEqual([
        Code.INTERNAL,
        "internal error",
        1,
      ]);
    }),
  );
});
