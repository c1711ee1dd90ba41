import { expect, test } from "vitest";
import { unavailable } from "#impl/runtime/rpc-error.ts";
import { Code } from "#impl/runtime/status.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import type { Discovery, Endpoint } from "./discovery.ts";
import { allReady, type Connected, startServers } from "./testing/client-fixture.ts";

const named = (server: number) => ({ unary: () => `${server}` });

/** How many of `calls` concurrent calls each server answered. */
async function spread(
  { echo }: Connected<{ unary: object }>,
  calls: number,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const answers = await Promise.all(Array.from({ length: calls }, () => echo.unary("")));
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

test("a burst is spread over all servers, by every policy", async () => {
  await using shop = await startServers(3, { unary: {} }, named);
  for (const balancer of ["roundRobin", "weightedRoundRobin", "leastOutstanding"] as const) {
    const connected = shop.connect({ balancer });
    await allReady(connected.client);
    expect(await spread(connected, 60)).toEqual({ 0: 20, 1: 20, 2: 20 });
  }
});

test("weights are shares", async () => {
  await using shop = await startServers(2, { unary: {} }, named);
  const [light = "", heavy = ""] = shop.addresses;
  const addresses = [{ address: light }, { address: heavy, weight: 3 }];
  const connected = shop.connect({ addresses, balancer: "weightedRoundRobin" });
  await allReady(connected.client);
  expect(await spread(connected, 40)).toEqual({ 0: 10, 1: 30 });
});

test("no call fails while a server drains and goes, and its connection is not used again", async () => {
  await using shop = await startServers(2, { unary: {} }, named);
  const connected = shop.connect({ balancer: "roundRobin" });
  const { client, echo } = connected;
  await allReady(client);
  let running = true;
  const calling = (async () => {
    while (running) await Promise.all(Array.from({ length: 10 }, () => echo.unary("")));
  })();
  await shop.servers[0]?.server.drain();
  await until(() => client.stats()[0]?.connections[0]?.state !== "ready");
  running = false;
  await calling;
  expect(await spread(connected, 10)).toEqual({ 1: 10 });
});

test("a server that says it does not serve gets no calls until it does", async () => {
  await using shop = await startServers(2, { unary: {} }, named);
  const connected = shop.connect({ balancer: "roundRobin", slowStartMs: 0 });
  const { client, events } = connected;
  await allReady(client);
  const [address] = shop.addresses;
  shop.servers[0]?.server.health.set("", "NOT_SERVING");
  await expect.poll(() => events).toContainEqual({ type: "health", address, serving: false });
  expect(await spread(connected, 10)).toEqual({ 1: 10 });
  shop.servers[0]?.server.health.set("", "SERVING");
  await allReady(client);
  expect(await spread(connected, 10)).toEqual({ 0: 5, 1: 5 });
});

test("when nobody serves, a call fails with a reason and does not wait for its deadline", async () => {
  await using shop = await startServers(1, { unary: {} }, named);
  const { client, echo, events } = shop.connect({ retry: false });
  await allReady(client);
  shop.servers[0]?.server.health.set("", "NOT_SERVING");
  await until(() => events.some((event) => event.type === "health" && !event.serving));
  await expect(echo.unary("")).rejects.toMatchObject({
    code: Code.UNAVAILABLE,
    reason: "NO_HEALTHY_ENDPOINT",
  });
});

test("when nobody can be reached, a call fails with a reason and why", async () => {
  await using shop = await startServers(1, { unary: {} }, named);
  const { echo } = shop.connect({ addresses: ["127.0.0.1:1"] });
  await expect(echo.unary("")).rejects.toMatchObject({
    code: Code.UNAVAILABLE,
    reason: "NO_CONNECTION",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});

/** Endpoints that the test sets. */
function settable(first: readonly Endpoint[]) {
  let endpoints = first;
  let changed = Promise.withResolvers<void>();
  const discovery: Discovery = {
    resolve: async () => endpoints,
    async *watch(signal) {
      signal.addEventListener("abort", () => changed.resolve());
      while (!signal.aborted) {
        yield endpoints;
        await changed.promise;
        changed = Promise.withResolvers();
      }
    },
  };
  const set = (next: readonly Endpoint[]): void => {
    endpoints = next;
    changed.resolve();
  };
  return { discovery, set };
}

test("endpoints come and go while calls run, and none of them fails", async () => {
  await using shop = await startServers(3, { unary: {} }, named);
  const [a, b, c] = shop.addresses.map((address) => ({ address }));
  if (a === undefined || b === undefined || c === undefined) throw new Error("three servers are needed");
  const { discovery, set } = settable([a]);
  const connected = shop.connect({ discovery, balancer: "roundRobin", slowStartMs: 0 });
  const { client, echo } = connected;
  await allReady(client);
  let running = true;
  const calling = (async () => {
    while (running) await Promise.all(Array.from({ length: 10 }, () => echo.unary("")));
  })();
  set([a, b, c]);
  await until(() => client.stats().length === 3);
  await allReady(client);
  set([c]);
  await until(() => client.stats().length === 1);
  running = false;
  await calling;
  expect(await spread(connected, 10)).toEqual({ 2: 10 });
});

test("a discovery that fails is watched again, and what was known is kept", async () => {
  await using shop = await startServers(1, { unary: {} }, named);
  let watches = 0;
  const discovery: Discovery = {
    resolve: async () => [],
    async *watch() {
      watches += 1;
      yield shop.addresses.map((address) => ({ address }));
      throw new Error("the registry is gone");
    },
  };
  const { echo, events } = shop.connect({ discovery });
  expect(await echo.unary("")).toBe("0");
  await until(() => events.some(({ type }) => type === "discoveryFailed"));
  expect(await echo.unary("")).toBe("0");
  await expect.poll(() => watches).toBeGreaterThan(1);
});

test("who fails while others do not is ejected, and its callers are served by the others", async () => {
  await using shop = await startServers(3, { unary: {} }, (server) => ({
    unary: () => {
      if (server === 1) throw unavailable("BROKEN", "broken");
      return `${server}`;
    },
  }));
  const connected = shop.connect({ balancer: "roundRobin", breaker: false });
  const { client, echo, events } = connected;
  await allReady(client);
  for (let call = 0; call < 15; call++) expect(["0", "2"]).toContain(await echo.unary(""));
  expect(events.filter(({ type }) => type === "ejected")).toEqual([
    { type: "ejected", address: shop.addresses[1], forMs: 30_000 },
  ]);
  const before = shop.servers[1]?.server.ended.length;
  expect(await spread(connected, 20)).toEqual({ 0: 10, 2: 10 });
  expect(shop.servers[1]?.server.ended.length).toBe(before);
});
