import { describe, expect, test } from "vitest";
import { echoPath, startEcho } from "#impl/client/testing/echo.ts";
import { type ManualClock, manualClock } from "#impl/observability/testing/manual-clock.ts";
import type { Call } from "#impl/runtime/call.ts";
import type { Link } from "#impl/runtime/handler.ts";
import { CacheScope, Idempotency } from "#impl/runtime/policy.ts";
import { notFound, permissionDenied, RpcError } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { text } from "#impl/runtime/testing/echo-service.ts";
import { grpcFrame, rawConnection } from "#impl/runtime/testing/raw-client.ts";
import { settled, until } from "#impl/runtime/testing/turns.ts";
import { authorize } from "./authorize.ts";
import { type CacheOutcome, cache } from "./cache.ts";

const ttl = { seconds: 30n };
const tags = ["widget/{value}", "widgets"];
const writes = { idempotency: Idempotency.IDEMPOTENCY_IDEMPOTENT };
const methods = {
  read: { policy: { cache: { ttl, scope: CacheScope.CACHE_SCOPE_SHARED, tags } } },
  readMine: { policy: { cache: { ttl, scope: CacheScope.CACHE_SCOPE_PRINCIPAL, tags } } },
  readGuarded: {
    policy: {
      access: { permissions: ["widgets.read"] },
      cache: { ttl, scope: CacheScope.CACHE_SCOPE_SHARED, tags },
    },
  },
  write: { policy: { ...writes, invalidates: ["widget/{value}"] } },
  writeAll: { policy: { ...writes, invalidates: ["widgets"] } },
  importAll: { requestStream: true as const, policy: { ...writes, invalidates: ["widget/{value}"] } },
  edit: {
    requestStream: true as const,
    responseStream: true as const,
    policy: { ...writes, invalidates: ["widget/{value}"] },
  },
};

/** Who calls is said in metadata: "user" or "user:permission,permission". */
const trusting: Link = (_, next) => (call, input) => {
  const [userId, permissions = ""] = (call.metadata.get("x-user") ?? "").split(":");
  if (userId !== undefined && userId !== "") {
    call.principal = {
      userId,
      roles: [],
      permissions: new Set(permissions.split(",").filter((name) => name !== "")),
    };
  }
  return next(call, input);
};

/** A run of the read handler that the test lets end. */
interface Run {
  readonly request: string;
  readonly call: Call;
  readonly answer: PromiseWithResolvers<string>;
}

async function startCached(options: { maxBytes?: number; clock?: ManualClock } = {}) {
  const runs: Run[] = [];
  const outcomes: CacheOutcome[] = [];
  const write = { started: 0, gate: Promise.resolve() as Promise<unknown> };
  const run = (request: string, call: Call): Promise<string> => {
    const answer = Promise.withResolvers<string>();
    runs.push({ request, call, answer });
    return answer.promise;
  };
  const change = async (): Promise<string> => {
    write.started += 1;
    await write.gate;
    return "written";
  };
  const echo = await startEcho(
    methods,
    {
      read: run,
      readMine: run,
      readGuarded: run,
      write: change,
      writeAll: change,
      async importAll(requests) {
        for await (const _ of requests) write.started += 1;
        return change();
      },
      async *edit(requests) {
        for await (const request of requests) {
          write.started += 1;
          yield request;
          await write.gate;
        }
      },
    },
    {
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      links: () => [
        trusting,
        authorize,
        cache({ maxBytes: options.maxBytes ?? 1_000_000, onLookup: (_, outcome) => outcomes.push(outcome) }),
      ],
    },
  );
  const { client } = echo;
  /** One read, whose handler (if it runs) answers `value`. */
  const readNow = async (
    request: string,
    value: string,
    user?: string,
    method: "read" | "readMine" | "readGuarded" = "read",
  ) => {
    const before = runs.length;
    const reading = client[method](request, user === undefined ? {} : { metadata: { "x-user": user } });
    let done = false;
    reading.then(
      () => (done = true),
      () => (done = true),
    );
    await until(() => done || runs.length > before);
    runs[before]?.answer.resolve(value);
    return reading;
  };
  return {
    echo,
    client,
    runs,
    outcomes,
    write,
    readNow,
    [Symbol.asyncDispose]: () => echo[Symbol.asyncDispose](),
  };
}

const codeOf = (promise: Promise<unknown>): Promise<Code | undefined> =>
  promise.then(
    () => Code.OK,
    (error: { code: Code }) => error.code,
  );

describe("a read", () => {
  test("that was answered is served again without its handler", async () => {
    await using cached = await startCached();
    expect(await cached.readNow("a", "1")).toBe("1");
    expect(await cached.readNow("a", "2")).toBe("1");
    expect(await cached.readNow("b", "3")).toBe("3");
    expect(cached.outcomes).toEqual(["miss", "hit", "miss"]);
    expect(cached.echo.server.ended.map(({ call }) => call.servedFromCache)).toEqual([false, true, false]);
  });

  test("is served until its ttl has passed, and not longer for a caller who was slow to ask", async () => {
    const clock = manualClock();
    await using cached = await startCached({ clock });
    await using raw = await rawConnection(cached.echo.server.address);
    const slow = raw.open(echoPath("read"));
    await until(() => cached.echo.server.openCalls === 1);
    await cached.readNow("a", "1");
    clock.advance(29_999);
    expect(await cached.readNow("a", "2")).toBe("1");
    clock.advance(1);
    slow.end(grpcFrame(text.encode("a").finish()));
    await until(() => cached.runs.length === 2);
    cached.runs[1]?.answer.resolve("3");
    await until(() => cached.echo.server.openCalls === 0);
    expect(await cached.readNow("a", "4")).toBe("3");
  });

  test("that fails is not kept, and its error goes to all who waited", async () => {
    await using cached = await startCached();
    const calls = [1, 2, 3].map(() => codeOf(cached.client.read("a")));
    await until(() => cached.outcomes.length === 3);
    cached.runs[0]?.answer.reject(notFound("W", "a"));
    expect(await Promise.all(calls)).toEqual([Code.NOT_FOUND, Code.NOT_FOUND, Code.NOT_FOUND]);
    expect(cached.runs).toHaveLength(1);
    expect(await cached.readNow("a", "there now")).toBe("there now");
  });

  test("of bytes that are no request is INVALID_ARGUMENT, not INTERNAL", async () => {
    await using cached = await startCached();
    await using raw = await rawConnection(cached.echo.server.address);
    for (const method of ["read", "write", "importAll"]) {
      const reply = await raw.call(echoPath(method), grpcFrame(Buffer.from([0x0a, 9])));
      expect([method, reply.headers["grpc-status"]]).toEqual([method, String(Code.INVALID_ARGUMENT)]);
    }
  });

  test("that is larger than the whole memory is answered and not kept", async () => {
    await using cached = await startCached({ maxBytes: 1_000 });
    const large = "x".repeat(2_000);
    expect(await cached.readNow("a", large)).toBe(large);
    expect(await cached.readNow("a", "small")).toBe("small");
  });
});

describe("concurrent misses", () => {
  test("of one key share one run", async () => {
    await using cached = await startCached();
    const calls = Array.from({ length: 100 }, () => cached.client.read("a"));
    const other = cached.client.read("b");
    await until(() => cached.outcomes.length === 101);
    expect(cached.runs.map(({ request }) => request)).toEqual(["a", "b"]);
    for (const { request, answer } of cached.runs) answer.resolve(request.toUpperCase());
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["A"]));
    expect(await other).toBe("B");
  });

  test.each([
    ["cancelled", "rejects", Code.CANCELLED],
    ["cancelled", "hangs", Code.CANCELLED],
    ["out of time", "rejects", Code.DEADLINE_EXCEEDED],
    ["out of time", "hangs", Code.DEADLINE_EXCEEDED],
  ])(
    "whose leader is %s while its handler %s are answered by one of the others",
    async (how, handler, code) => {
      await using cached = await startCached();
      const controller = new AbortController();
      const leader = codeOf(
        cached.client.read("a", how === "cancelled" ? { signal: controller.signal } : { deadlineMs: 1_000 }),
      );
      await until(() => cached.runs.length === 1);
      const followers = Array.from({ length: 20 }, () => cached.client.read("a"));
      await until(() => cached.outcomes.length === 21);
      controller.abort();
      expect(await leader).toBe(code);
      const [first] = cached.runs;
      await until(() => first?.call.finished === true);
      if (handler === "rejects") first?.answer.reject(first.call.signal.reason);
      await until(() => cached.runs.length === 2);
      expect(await settled(() => cached.runs.length)).toBe(2);
      cached.runs[1]?.answer.resolve("second");
      expect(new Set(await Promise.all(followers))).toEqual(new Set(["second"]));
      // What the first leader's handler gives in the end is not served over a newer answer's head after a write.
      await cached.client.writeAll("");
      first?.answer.resolve("first");
      expect(await cached.readNow("a", "third")).toBe("third");
    },
  );

  test("end each at its own deadline, whatever the leader does", async () => {
    await using cached = await startCached();
    const leader = cached.client.read("a");
    await until(() => cached.runs.length === 1);
    const follower = codeOf(cached.client.read("a", { deadlineMs: 100 }));
    expect(await follower).toBe(Code.DEADLINE_EXCEEDED);
    cached.runs[0]?.answer.resolve("1");
    expect(await leader).toBe("1");
  });
});

describe("scopes", () => {
  test.each([
    ["read", "a", "b", "1"],
    ["readMine", "a", "a", "1"],
    ["readMine", "a", "b", "2"],
    ["readMine", "a", undefined, "2"],
    ["readMine", undefined, undefined, "1"],
    ["readMine", "a:x,y", "a:y,x", "1"],
    ["readMine", "a:x", "a", "2"],
  ] as const)("%s: what %s read, %s gets as %s", async (method, first, second, expected) => {
    await using cached = await startCached();
    await cached.readNow("k", "1", first, method);
    expect(await cached.readNow("k", "2", second, method)).toBe(expected);
  });

  test("a caller who may not read gets nothing from the cache either", async () => {
    await using cached = await startCached();
    expect(await cached.readNow("a", "secret", "ann:widgets.read", "readGuarded")).toBe("secret");
    expect(await codeOf(cached.readNow("a", "-", "bob", "readGuarded"))).toBe(permissionDenied([]).code);
    expect(await codeOf(cached.readNow("a", "-", undefined, "readGuarded"))).toBe(Code.UNAUTHENTICATED);
    expect(cached.outcomes).toEqual(["miss"]);
  });
});

describe("a write", () => {
  const changes: ReadonlyArray<
    readonly [string, (cached: Awaited<ReturnType<typeof startCached>>) => Promise<unknown>]
  > = [
    ["of one, spelled in another case", ({ client }) => client.write("AB")],
    ["of all", ({ client }) => client.writeAll("")],
    [
      "by a request stream, whose first message is the header",
      ({ client }) => client.importAll(["ab", "zz"]),
    ],
    ["by a bidirectional stream", ({ client }) => Array.fromAsync(client.edit(["Ab"]))],
    [
      "that fails",
      ({ client, write }) => {
        write.gate = Promise.reject(new Error("the disk is full"));
        write.gate.catch(() => {});
        return codeOf(client.write("ab"));
      },
    ],
    [
      "that is cancelled",
      async ({ client, write }) => {
        write.gate = new Promise(() => {});
        const controller = new AbortController();
        const writing = codeOf(client.write("ab", { signal: controller.signal }));
        await until(() => write.started === 1);
        controller.abort();
        await writing;
        await settled(() => 0, 20);
      },
    ],
  ];
  test.each(changes)("%s makes what was read stale, and nothing else", async (name, change) => {
    await using cached = await startCached();
    await cached.readNow("ab", "1");
    await cached.readNow("zz", "1");
    await change(cached);
    expect(await cached.readNow("ab", "2")).toBe("2");
    expect(await cached.readNow("zz", "2")).toBe(name === "of all" ? "2" : "1");
  });

  test("that ends while a read is under way keeps the read from being stored and from being joined", async () => {
    await using cached = await startCached();
    const early = cached.client.read("ab");
    await until(() => cached.runs.length === 1);
    await cached.client.write("ab");
    const late = cached.client.read("ab");
    await until(() => cached.runs.length === 2);
    cached.runs[0]?.answer.resolve("before");
    expect(await early).toBe("before");
    cached.runs[1]?.answer.resolve("after");
    expect(await late).toBe("after");
    expect(await cached.readNow("ab", "-")).toBe("after");
  });

  test.each(["resolve", "reject"] as const)(
    "whose handler ends after its call (%s) makes stale what was read in between",
    async (how) => {
      await using cached = await startCached();
      const gate = Promise.withResolvers<void>();
      cached.write.gate = gate.promise;
      const controller = new AbortController();
      const writing = codeOf(cached.client.write("ab", { signal: controller.signal }));
      await until(() => cached.write.started === 1);
      controller.abort();
      expect(await writing).toBe(Code.CANCELLED);
      await until(() => cached.echo.server.openCalls === 0);
      expect(await cached.readNow("ab", "before the commit")).toBe("before the commit");
      if (how === "resolve") gate.resolve();
      else gate.reject(new RpcError({ code: Code.ABORTED, reason: "X", message: "x" }));
      await settled(() => 0, 5);
      expect(await cached.readNow("ab", "after the commit")).toBe("after the commit");
    },
  );
});
