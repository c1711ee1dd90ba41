import { expect, test } from "vitest";
import { weightedRoundRobin } from "#impl/client/balancer.ts";
import { staticDiscovery } from "#impl/client/discovery.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import { ECHO_SERVICE } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { type GatewayOptions, startGateway } from "./testing/forwarding-fixture.ts";

const methods = { unary: {} } as const;

/** How many of 20 calls, each made when the last was answered, two instances get while one of them holds a call. */
async function shares(options: GatewayOptions): Promise<{ readonly held: number; readonly free: number }> {
  const counts = { held: 0, free: 0 };
  const finish = Promise.withResolvers<void>();
  const instance = (name: "held" | "free") =>
    startEcho(methods, {
      unary: async (request) => {
        counts[name] += 1;
        if (request === "hold") await finish.promise;
        return name;
      },
    });
  await using held = await instance("held");
  await using free = await instance("free");
  const addresses = [held, free].map(({ server }) => server.address);
  await using front = await startGateway(methods, staticDiscovery(addresses), options);
  await until(() => front.backends.connected(ECHO_SERVICE) === 2);
  const open = front.client.unary("hold");
  await until(() => counts.held + counts.free === 1);
  const holder = counts.held === 1 ? "held" : "free";
  for (let n = 0; n < 20; n++) await front.client.unary("a");
  finish.resolve();
  await open;
  return holder === "held" ? counts : { held: counts.free, free: counts.held };
}

test("by load, an instance that holds a call gets no other while one is free", async () => {
  expect(await shares({})).toEqual({ held: 1, free: 20 });
});

test("in turn, it gets its share whatever it holds", async () => {
  const { held } = await shares({ balancer: weightedRoundRobin });
  expect(held).toBeGreaterThanOrEqual(10);
});

test("no more connections are made than are allowed, and calls wait for a free stream", async () => {
  const waiting: (() => void)[] = [];
  await using backend = await startEcho(
    methods,
    { unary: (request) => new Promise((resolve) => waiting.push(() => resolve(request))) },
    { limits: { maxStreamsPerConnection: 2 } },
  );
  await using front = await startGateway(methods, staticDiscovery([backend.server.address]), {
    maxConnections: 2,
  });
  await until(() => front.backends.connected(ECHO_SERVICE) === 1);
  const calls: Promise<string>[] = [];
  // The first two fill a connection, and the third, which finds it full, has another made.
  for (let n = 0; n < 7; n++) {
    calls.push(front.client.unary(`${n}`));
    if (n === 1) await until(() => waiting.length === 2);
  }
  let served = 0;
  while (served < 7) {
    await until(() => waiting.length > 0);
    expect(waiting.length).toBeLessThanOrEqual(4);
    for (const answer of waiting.splice(0)) {
      answer();
      served += 1;
    }
  }
  expect(await Promise.all(calls)).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
});
