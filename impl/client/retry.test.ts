import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { invalidArgument, RpcError, unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import { ecommerceSchema } from "#impl/runtime/testing/test-server.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { CreateOrderRequest, OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import { Idempotency } from "#proto/ecommerce/v1/policy.ts";
import { createBaseClient } from "./ecommerce-client.ts";
import { isRepeatable } from "./repeatable.ts";
import { allReady, hang, startServers } from "./testing/client-fixture.ts";

const policy = (idempotency: Idempotency) => ({ policy: { idempotency } });
const methods = {
  read: policy(Idempotency.IDEMPOTENCY_NO_SIDE_EFFECTS),
  put: policy(Idempotency.IDEMPOTENCY_IDEMPOTENT),
  byId: policy(Idempotency.IDEMPOTENCY_BY_REQUEST_ID),
  post: policy(Idempotency.IDEMPOTENCY_NOT_IDEMPOTENT),
} as const;
type Name = keyof typeof methods;

const gone = (): never => {
  throw unavailable("GONE", "gone");
};

/** Servers whose every method does `answer`, with the attempts that reached each of them. */
async function startCounting(count: number, answer: (server: number) => string | Promise<string>) {
  const attempts = Array.from({ length: count }, () => 0);
  const handlers = (server: number) => {
    const handle = (): string | Promise<string> => {
      attempts[server] = (attempts[server] ?? 0) + 1;
      return answer(server);
    };
    return { read: handle, put: handle, byId: handle, post: handle };
  };
  return { shop: await startServers(count, methods, handlers), attempts };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const quick = { retry: { initialBackoffMs: 1, maxBackoffMs: 2 }, breaker: false, ejection: false } as const;

test.each([
  ["read", 3],
  ["put", 3],
  ["byId", 1],
  ["post", 1],
] as const)("%s: what is unavailable is attempted %i times", async (name: Name, times) => {
  const { shop, attempts } = await startCounting(1, gone);
  await using _ = shop;
  const { echo } = shop.connect(quick);
  await expect(echo[name]("")).rejects.toMatchObject({ code: Code.UNAVAILABLE, reason: "GONE" });
  expect(attempts).toEqual([times]);
});

test("a call that asks for one attempt has one", async () => {
  const { shop, attempts } = await startCounting(1, gone);
  await using _ = shop;
  const { echo } = shop.connect(quick);
  await expect(echo.read("", { retry: false })).rejects.toMatchObject({ reason: "GONE" });
  expect(attempts).toEqual([1]);
});

test("a call with a request id may be repeated, one without may not", () => {
  const method = ecommerceSchema().methods.get("/ecommerce.v1.OrderService/CreateOrder");
  expect(OrderServiceDefinition.methods.createOrder.requestType).toBe(CreateOrderRequest);
  if (method === undefined) throw new Error("there is no CreateOrder");
  expect(isRepeatable(method, CreateOrderRequest.fromPartial({}))).toBe(false);
  expect(isRepeatable(method, CreateOrderRequest.fromPartial({ requestId: "r1" }))).toBe(true);
});

test.each([
  [
    "what the caller has done wrong",
    () => invalidArgument([{ field: "a", description: "is bad", reason: "bad" }]),
  ],
  ["a defect of the server", () => new Error("a defect")],
  [
    "too many requests",
    () => new RpcError({ code: Code.RESOURCE_EXHAUSTED, reason: "LIMIT", message: "too many" }),
  ],
])("%s is not tried again", async (_name, error) => {
  const { shop, attempts } = await startCounting(1, () => {
    throw error();
  });
  await using _ = shop;
  const { echo } = shop.connect(quick);
  await expect(echo.read("")).rejects.toThrow();
  expect(attempts).toEqual([1]);
});

test("a retry goes to a server where the call has not been", async () => {
  const { shop, attempts } = await startCounting(3, (server) => (server === 2 ? "here" : gone()));
  await using _ = shop;
  const { client, echo } = shop.connect({ ...quick, retry: { ...quick.retry, maxTokens: 1_000 } });
  await allReady(client);
  for (let call = 0; call < 5; call++) expect(await echo.read("")).toBe("here");
  expect(attempts[2]).toBe(5);
});

test.each([
  ["by the budget of retries alone", { ...quick, retry: { ...quick.retry, maxTokens: 20 } }],
  ["with breakers too", { retry: quick.retry }],
])("in an outage at most a tenth more attempts than calls reach the servers, %s", async (_name, options) => {
  const { shop, attempts } = await startCounting(2, gone);
  await using _ = shop;
  const { client, echo } = shop.connect(options);
  await allReady(client);
  const CALLS = 200;
  for (let done = 0; done < CALLS; done += 10) {
    await Promise.allSettled(Array.from({ length: 10 }, () => echo.read("")));
  }
  expect(sum(attempts)).toBeGreaterThan(0);
  expect(sum(attempts)).toBeLessThanOrEqual(CALLS * 1.1);
});

/** A server that answers UNAVAILABLE with this pushback, and counts. */
async function startPushing(pushback: string) {
  const server = new Server();
  const identity = (bytes: Buffer): Buffer => bytes;
  const arrivals: number[] = [];
  server.register(
    "/testing.v1.EchoService/read",
    (_: unknown, callback: (error: object) => void) => {
      arrivals.push(performance.now());
      const metadata = new Metadata();
      metadata.set("grpc-retry-pushback-ms", pushback);
      callback({ code: status.UNAVAILABLE, details: "later", metadata });
    },
    identity,
    identity,
    "unary",
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = createBaseClient({
    addresses: [`127.0.0.1:${port}`],
    schema: testSchema(methods),
    healthService: false,
    ...quick,
  });
  return {
    arrivals,
    echo: client.of(echoDefinition(methods)),
    async [Symbol.asyncDispose]() {
      await client.close();
      server.forceShutdown();
    },
  };
}

describe("what the server says of when to come again", () => {
  test("not before", async () => {
    await using pushing = await startPushing("30");
    await expect(pushing.echo.read("")).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    const [first = 0, second = 0, third = 0] = pushing.arrivals;
    expect(second - first).toBeGreaterThanOrEqual(28);
    expect(third - second).toBeGreaterThanOrEqual(28);
  });

  test("not at all", async () => {
    await using pushing = await startPushing("-1");
    await expect(pushing.echo.read("")).rejects.toMatchObject({ code: Code.UNAVAILABLE });
    expect(pushing.arrivals).toHaveLength(1);
  });
});

describe("hedging", () => {
  const hedging = { ...quick, hedging: { delayMs: 5 }, balancer: "roundRobin" } as const;

  test("a call that waits too long is sent to another server, and the slow one is let go", async () => {
    await using shop = await startServers(2, methods, (server) => ({
      read: (_, call) => (server === 0 ? hang(call) : "quick"),
    }));
    const { client, echo } = shop.connect(hedging);
    await allReady(client);
    expect(await Promise.all([echo.read(""), echo.read("")])).toEqual(["quick", "quick"]);
    await until(() => shop.servers[0]?.server.openCalls === 0 && shop.servers[0].server.ended.length > 0);
    for (const { status } of shop.servers[0]?.server.ended ?? []) expect(status.code).toBe(Code.CANCELLED);
  });

  test("what has side effects is not", async () => {
    const { shop, attempts } = await startCounting(1, gone);
    await using _ = shop;
    const { echo } = shop.connect({ ...hedging, retry: false });
    await expect(echo.put("")).rejects.toMatchObject({ reason: "GONE" });
    expect(attempts).toEqual([1]);
  });

  test("in an outage it has a budget too", async () => {
    const { shop, attempts } = await startCounting(2, gone);
    await using _ = shop;
    const { client, echo } = shop.connect({ ...hedging, hedging: { delayMs: 5, budgetRatio: 0.05 } });
    await allReady(client);
    const CALLS = 300;
    for (let done = 0; done < CALLS; done += 20) {
      await Promise.allSettled(Array.from({ length: 20 }, () => echo.read("")));
    }
    expect(sum(attempts)).toBeLessThanOrEqual(CALLS * 1.1);
  });
});
