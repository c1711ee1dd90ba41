import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { createEcommerceClient } from "./ecommerce-client.ts";
import { allReady, hang, startServers } from "./testing/client-fixture.ts";

const methods = { unary: {}, expand: { responseStream: true } } as const;

const echoing = () => ({
  unary: (request: string) => request,
  async *expand(request: string) {
    yield request;
  },
});

describe("options", () => {
  test.each([
    [{}, "exactly one of addresses and discovery"],
    [{ addresses: [] }, "at least one"],
    [{ addresses: ["nowhere"] }, '"nowhere"'],
    [{ addresses: ["a:1"], pool: { minConnections: 0 } }, "got 0"],
    [{ addresses: ["a:1"], pool: { minConnections: 9 } }, "got 9"],
    [{ addresses: ["a:1"], retry: { maxAttempts: 6 } }, "retry: maxAttempts must be 2 to 5, got 6"],
    [{ addresses: ["a:1"], hedging: { maxAttempts: 1 } }, "hedging: maxAttempts must be 2 to 5, got 1"],
    [{ addresses: ["a:1"], breaker: { openMs: -1 } }, "breaker: openMs must not be negative, got -1"],
    [{ addresses: ["a:1"], breaker: { opneMs: 1 } as object }, 'breaker: there is no option "opneMs"'],
  ])("%j is refused", (options, message) => {
    expect(() => createEcommerceClient(options)).toThrow(message);
  });
});

test("the client has the methods of every service", async () => {
  await using client = createEcommerceClient({ addresses: ["127.0.0.1:1"] });
  for (const call of [client.users.getUser, client.orders.trackOrder, client.gateway.checkout]) {
    expect(call).toBeTypeOf("function");
  }
});

test("requests are compressed when that is asked for, and answers are read", async () => {
  await using shop = await startServers(1, methods, echoing);
  const { echo } = shop.connect({ compressRequests: true });
  const text = "x".repeat(10_000);
  expect(await echo.unary(text)).toBe(text);
});

test("metadata of every call is sent", async () => {
  await using shop = await startServers(1, methods, () => ({
    unary: (_, call) => call.metadata.get("traceparent") ?? "",
  }));
  const { echo } = shop.connect({ metadata: () => ({ traceparent: "00-1-2-01" }) });
  expect(await echo.unary("")).toBe("00-1-2-01");
});

describe("health", () => {
  test("is that of every service that is asked for, and of the endpoints", async () => {
    await using shop = await startServers(2, methods, echoing);
    const { client } = shop.connect();
    await allReady(client);
    expect(await client.checkHealth()).toEqual({
      healthy: true,
      services: { "": { status: "SERVING" } },
      endpoints: shop.addresses.map((address) => ({ address, health: "serving", connected: true })),
    });
    const services = ["", "testing.v1.EchoService", "nobody.v1.Knows"];
    const report = await client.checkHealth({ services });
    expect(report.healthy).toBe(false);
    expect(report.services["testing.v1.EchoService"]).toEqual({ status: "NOT_SERVING" });
    expect(report.services["nobody.v1.Knows"]).toMatchObject({
      status: "UNKNOWN",
      error: expect.stringContaining("NOT_FOUND"),
    });
  });

  test("of nobody is unknown, and no error", async () => {
    await using shop = await startServers(1, methods, echoing);
    const { client } = shop.connect({ addresses: ["127.0.0.1:1"] });
    const report = await client.checkHealth();
    expect(report).toMatchObject({ healthy: false, services: { "": { status: "UNKNOWN" } } });
  });
});

test("a client that was idle for long has closed its connections, and opens them for the next call", async () => {
  await using shop = await startServers(1, methods, echoing);
  const { client, echo } = shop.connect({ idleMs: 1_000 });
  expect(await echo.unary("a")).toBe("a");
  await expect.poll(() => client.stats()).toEqual([]);
  expect(await echo.unary("b")).toBe("b");
  expect(client.stats()).toHaveLength(1);
});

describe("closing", () => {
  test("cancels what is under way, tells each caller, and ends it on the server", async () => {
    await using shop = await startServers(2, methods, () => ({
      unary: (_, call) => hang(call),
      async *expand(_, call) {
        yield "one";
        await hang(call);
      },
    }));
    const { client, echo } = shop.connect({ balancer: "roundRobin" });
    await allReady(client);
    const calls = Array.from({ length: 10 }, () => echo.unary(""));
    const streams = Array.from({ length: 10 }, () => Array.fromAsync(echo.expand("")));
    const openCalls = (): number => shop.servers.reduce((sum, { server }) => sum + server.openCalls, 0);
    await until(() => openCalls() === 20);
    const outcomes = Promise.allSettled([...calls, ...streams]);
    await client.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: Code.CANCELLED } });
    }
    await until(() => openCalls() === 0);
  });

  test("does not wait for a reader that has gone away", async () => {
    await using shop = await startServers(1, methods, () => ({
      async *expand(_, call) {
        yield "one";
        await hang(call);
      },
    }));
    const { client, echo } = shop.connect();
    const stream = echo.expand("")[Symbol.asyncIterator]();
    expect((await stream.next()).value).toBe("one");
    await client.close();
    await expect(stream.next()).rejects.toMatchObject({ code: Code.CANCELLED });
  });

  test("lets calls end that end in time", async () => {
    const release = Promise.withResolvers<string>();
    await using shop = await startServers(1, methods, () => ({ unary: () => release.promise }));
    const { client, echo } = shop.connect();
    const call = echo.unary("");
    await until(() => shop.servers[0]?.server.openCalls === 1);
    const closed = client.close({ graceMs: 10_000 });
    release.resolve("done");
    expect(await call).toBe("done");
    await closed;
  });

  test("refuses what comes afterwards with a reason", async () => {
    await using shop = await startServers(1, methods, echoing);
    const { client, echo } = shop.connect();
    await echo.unary("");
    await Promise.all([client.close(), client.close()]);
    await expect(echo.unary("")).rejects.toMatchObject({ code: Code.UNAVAILABLE, reason: "CLIENT_CLOSED" });
    expect(() => echo.expand("")).toThrow("closed");
  });

  test("fails calls that wait for a connection", async () => {
    await using shop = await startServers(1, methods, echoing);
    const { client, echo } = shop.connect({
      discovery: { resolve: () => new Promise(() => {}), watch: () => forever() },
    });
    const call = echo.unary("");
    await Promise.all([client.close(), expect(call).rejects.toMatchObject({ code: Code.CANCELLED })]);
  });

  test("leaves nothing that keeps the process alive", async () => {
    await using shop = await startServers(2, methods, echoing);
    const child = fork(new URL("testing/call-and-close.ts", import.meta.url), shop.addresses);
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });
});

async function* forever(): AsyncGenerator<never> {
  await new Promise(() => {});
}
