import { expect, test } from "vitest";
import { staticDiscovery } from "#impl/client/discovery.ts";
import { startEcho } from "#impl/client/testing/echo.ts";
import type { Call } from "#impl/runtime/call.ts";
import { Code } from "#impl/runtime/status.ts";
import { ECHO_SERVICE } from "#impl/runtime/testing/echo-service.ts";
import { until } from "#impl/runtime/testing/turns.ts";
import { changingDiscovery } from "./testing/changing-discovery.ts";
import { failureOf, startGateway } from "./testing/forwarding-fixture.ts";

const methods = { unary: {} } as const;
const echoing = { unary: (request: string) => request };

test("a backend that is not there is UNAVAILABLE, one that comes is found", async () => {
  await using front = await startGateway(methods, staticDiscovery(["127.0.0.1:1"]));
  expect((await failureOf(front.client.unary("a"))).code).toBe(Code.UNAVAILABLE);
  await using backend = await startEcho(methods, echoing);
  const discovery = changingDiscovery([]);
  await using other = await startGateway(methods, discovery);
  const early = await failureOf(other.client.unary("a"));
  expect(early.reason).toBe("BACKEND_UNAVAILABLE");
  discovery.set([{ address: backend.server.address }]);
  await until(() => other.backends.connected(ECHO_SERVICE) === 1);
  expect(await other.client.unary("a")).toBe("a");
});

test("an instance that goes gets no new calls and finishes the ones it has", async () => {
  const calls: Call[] = [];
  const finish = Promise.withResolvers<void>();
  await using leaving = await startEcho(methods, {
    unary: async (request, call) => {
      calls.push(call);
      await finish.promise;
      return `${request} by the one that left`;
    },
  });
  await using staying = await startEcho(methods, echoing);
  const discovery = changingDiscovery([{ address: leaving.server.address }]);
  await using front = await startGateway(methods, discovery);
  const open = front.client.unary("a");
  await until(() => calls.length === 1);
  discovery.set([{ address: staying.server.address }]);
  await until(() => front.backends.connected(ECHO_SERVICE) === 1);
  expect(await front.client.unary("b")).toBe("b");
  finish.resolve();
  expect(await open).toBe("a by the one that left");
});

test("no call fails while one of two instances drains", async () => {
  await using staying = await startEcho(methods, echoing);
  const leaving = await startEcho(methods, echoing);
  const addresses = [staying, leaving].map(({ server }) => server.address);
  await using front = await startGateway(methods, staticDiscovery(addresses));
  await until(() => front.backends.connected(ECHO_SERVICE) === 2);
  let drained = false;
  let made = 0;
  const caller = async (): Promise<void> => {
    while (!drained) {
      made += 1;
      expect(await front.client.unary("a")).toBe("a");
    }
  };
  const callers = Promise.all(Array.from({ length: 8 }, caller));
  await until(() => leaving.server.ended.length > 50);
  await leaving[Symbol.asyncDispose]();
  const before = staying.server.ended.length;
  await until(() => staying.server.ended.length > before + 50);
  drained = true;
  await callers;
  expect(made).toBeGreaterThan(100);
});
