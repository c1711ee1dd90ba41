import { expect, test } from "vitest";
import { until } from "#impl/runtime/testing/turns.ts";
import type { BaseClient } from "./ecommerce-client.ts";
import { allReady, startServers } from "./testing/client-fixture.ts";

const connectionsOf = (client: BaseClient) => client.stats().flatMap(({ connections }) => connections);

test("so many connections are held to each endpoint, and calls are spread over them", async () => {
  await using shop = await startServers(2, { unary: {} }, () => ({ unary: (request) => request }));
  const { client, echo } = shop.connect({ pool: { minConnections: 3 }, balancer: "leastOutstanding" });
  await allReady(client);
  await Promise.all(Array.from({ length: 60 }, () => echo.unary("")));
  expect(connectionsOf(client).map(({ calls }) => calls)).toEqual([10, 10, 10, 10, 10, 10]);
  expect(new Set(shop.servers.flatMap(({ server }) => server.ended.map(({ call }) => call.peer))).size).toBe(
    6,
  );
});

test("more streams than a connection carries make more connections, which go when they are idle", async () => {
  const release = Promise.withResolvers<string>();
  await using shop = await startServers(1, { unary: {} }, () => ({ unary: () => release.promise }), {
    limits: { maxStreamsPerConnection: 10 },
  });
  const { client, echo } = shop.connect({
    pool: { maxStreamsPerConnection: 10, maxConnections: 4, idleConnectionMs: 1 },
  });
  await allReady(client);
  const calls: Promise<string>[] = [];
  // Each is one more than the server takes on the connections before.
  for (let connections = 1; connections <= 4; connections++) {
    calls.push(...Array.from({ length: 8 }, () => echo.unary("")));
    await until(
      () =>
        connectionsOf(client).filter(({ state }) => state === "ready").length ===
        Math.min(4, connections + 1),
    );
    await until(() => shop.servers[0]?.server.openCalls === calls.length);
  }
  expect(connectionsOf(client).map(({ inFlight }) => inFlight)).toEqual([8, 8, 8, 8]);
  release.resolve("done");
  await Promise.all(calls);
  await expect.poll(() => connectionsOf(client).length).toBe(1);
});

test("calls beyond what the server allows on a connection, which the client is not told, wait for a free stream", async () => {
  const waiting: (() => void)[] = [];
  await using shop = await startServers(
    1,
    { unary: {} },
    () => ({ unary: (request) => new Promise((resolve) => waiting.push(() => resolve(request))) }),
    { limits: { maxStreamsPerConnection: 2 } },
  );
  const { client, echo } = shop.connect({ pool: { maxConnections: 1 } });
  await allReady(client);
  const calls = ["a", "b", "c", "d", "e"].map((letter) => echo.unary(letter));
  let answered = 0;
  while (answered < calls.length) {
    await until(() => waiting.length > 0);
    expect(waiting.length).toBeLessThanOrEqual(2);
    for (const answer of waiting.splice(0)) {
      answer();
      answered += 1;
    }
  }
  expect(await Promise.all(calls)).toEqual(["a", "b", "c", "d", "e"]);
});

test("a connection that breaks is made again, and counts as broken until it is there", async () => {
  await using shop = await startServers(1, { unary: {} }, () => ({ unary: (request) => request }));
  const { client, events } = shop.connect();
  await allReady(client);
  const [server] = shop.servers;
  const address = server?.server.address;
  await server?.server.drain();
  await expect.poll(() => connectionsOf(client).map(({ state }) => state)).toEqual(["failed"]);
  expect(events).toContainEqual(
    expect.objectContaining({
      type: "connection",
      address,
      state: "failed",
      error: expect.stringContaining("ECONNREFUSED"),
    }),
  );
});

test("statistics are of each connection: calls, those under way, failures and latency", async () => {
  const release = Promise.withResolvers<string>();
  await using shop = await startServers(1, { unary: {}, failing: {}, slow: {} }, () => ({
    unary: (request) => request,
    failing: () => {
      throw new Error("a defect");
    },
    slow: () => release.promise,
  }));
  const { client, echo } = shop.connect();
  await echo.unary("");
  await echo.failing("").catch(() => {});
  const slow = echo.slow("");
  await until(() => shop.servers[0]?.server.openCalls === 1);
  const [connection] = connectionsOf(client);
  expect(connection).toMatchObject({
    address: shop.addresses[0],
    state: "ready",
    calls: 3,
    inFlight: 1,
    failures: 1,
  });
  expect(connection?.latencyMs).toBeGreaterThan(0);
  release.resolve("");
  await slow;
  expect(connectionsOf(client)[0]).toMatchObject({ inFlight: 0 });
});
