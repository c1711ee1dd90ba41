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

test("an instance that fails again and again gets no calls, until a probe succeeds", async () => {
  let broken = true;
  let reached = 0;
  await using backend = await startEcho(methods, {
    unary: (request) => {
      reached += 1;
      if (broken) throw new Error("a defect");
      return request;
    },
  });
  const discovery = staticDiscovery([backend.server.address]);
  await using front = await startGateway(methods, discovery, { breaker: { failures: 3, openMs: 300 } });
  for (let n = 0; n < 3; n++) expect((await failureOf(front.client.unary("a"))).code).toBe(Code.INTERNAL);
  expect(await failureOf(front.client.unary("a"))).toMatchObject({
    code: Code.UNAVAILABLE,
    reason: "BACKEND_UNAVAILABLE",
  });
  expect(reached).toBe(3);
  broken = false;
  await expect.poll(() => front.client.unary("b").catch(() => ""), { timeout: 5_000 }).toBe("b");
  expect(reached).toBe(4);
});

test("instances that answer get the calls of one that fails", async () => {
  let failures = 0;
  await using failing = await startEcho(methods, {
    unary: () => {
      failures += 1;
      throw new Error("a defect");
    },
  });
  await using answering = await startEcho(methods, echoing);
  const addresses = [failing, answering].map(({ server }) => server.address);
  await using front = await startGateway(methods, staticDiscovery(addresses), {
    breaker: { failures: 2, openMs: 60_000 },
  });
  await until(() => front.backends.connected(ECHO_SERVICE) === 2);
  await Promise.allSettled(Array.from({ length: 50 }, () => front.client.unary("a")));
  const before = failures;
  expect(await Promise.all(Array.from({ length: 50 }, () => front.client.unary("a")))).toHaveLength(50);
  expect(failures).toBe(before);
});
