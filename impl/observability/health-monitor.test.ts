import { Client, credentials } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { implement } from "#impl/runtime/service.ts";
import { ECHO_SERVICE, echoDefinition, testSchema } from "#impl/runtime/testing/echo-service.ts";
import {
  type LogLine,
  recordingLogger,
  startTestServer,
  type TestServer,
} from "#impl/runtime/testing/test-server.ts";
import { type Check, type HealthMonitor, startHealthMonitor } from "./health-monitor.ts";
import { type ManualClock, manualClock } from "./testing/manual-clock.ts";

const methods = { unary: {} } as const;
const INTERVAL_MS = 100;
const TIMEOUT_MS = 50;

let server: TestServer;
let channel: Client;
let clock: ManualClock;
let log: LogLine[];
let monitor: HealthMonitor;

beforeEach(async () => {
  clock = manualClock();
  log = [];
  server = await startTestServer({
    schema: testSchema(methods),
    services: [implement(echoDefinition(methods), { unary: async (request) => request })],
  });
  channel = new Client(server.address, credentials.createInsecure());
});
afterEach(async () => {
  monitor.stop();
  channel.close();
  await server.drain();
});

async function watch(checks: Record<string, Check>, dependencies = Object.keys(checks)): Promise<void> {
  monitor = startHealthMonitor({
    health: server.health,
    clock,
    log: recordingLogger(log),
    checks,
    services: { [ECHO_SERVICE]: dependencies },
    intervalMs: INTERVAL_MS,
    timeoutMs: TIMEOUT_MS,
  });
  await monitor.firstRound;
}

/** What a caller is told over the wire. */
function told(service: string): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = healthService.Check ?? fail();
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
      error === null ? resolve(Object(answer).status) : reject(error),
    );
  });
}

function fail(): never {
  throw new Error("the health service has no Check");
}

/** A dependency whose next answers are decided by the test. */
function dependency() {
  const state = { up: true, asked: 0 };
  const check: Check = async () => {
    state.asked += 1;
    if (!state.up) throw new Error("connection refused");
  };
  return { state, check };
}

/** Runs the next round, and waits until it has been asked and published. */
async function round(state: { readonly asked: number }): Promise<void> {
  const { asked } = state;
  clock.advance(INTERVAL_MS);
  await expect.poll(() => state.asked).toBe(asked + 1);
  await expect.poll(() => clock.pending).toBe(1);
}

test("a service serves while its dependencies answer, and callers are told over the wire", async () => {
  const { state, check } = dependency();
  expect(await told(ECHO_SERVICE)).toBe("NOT_SERVING");
  await watch({ database: check });
  expect(await told(ECHO_SERVICE)).toBe("SERVING");
  expect(await told("")).toBe("SERVING");
  expect(monitor.readiness()).toEqual({ ready: true, reasons: [] });

  state.up = false;
  await round(state);
  expect(await told(ECHO_SERVICE)).toBe("NOT_SERVING");
  expect(await told("")).toBe("NOT_SERVING");
  expect(monitor.readiness()).toEqual({ ready: false, reasons: ["database does not answer"] });

  state.up = true;
  await round(state);
  expect(await told(ECHO_SERVICE)).toBe("SERVING");
});

test("a transition is logged once, with its cause, however long it lasts", async () => {
  const { state, check } = dependency();
  await watch({ database: check });
  state.up = false;
  for (let i = 0; i < 3; i++) await round(state);
  expect(log).toMatchObject([
    { level: "info", fields: { dependency: "database" }, message: "a dependency answers" },
    { level: "warn", fields: { dependency: "database", err: { message: "connection refused" } } },
  ]);
});

test("a service does not fall with a dependency that is not its own, but the server does", async () => {
  const payments = dependency();
  payments.state.up = false;
  await watch({ database: dependency().check, payments: payments.check }, ["database"]);
  expect(await told(ECHO_SERVICE)).toBe("SERVING");
  expect(await told("")).toBe("NOT_SERVING");
});

test("a check that hangs has failed after the timeout, is aborted, and is not asked again while it hangs", async () => {
  let asked = 0;
  let release = (): void => {};
  const signals: AbortSignal[] = [];
  const started = watch({
    database: (signal) => {
      asked += 1;
      signals.push(signal);
      return new Promise((resolve) => {
        release = resolve;
      });
    },
  });
  await expect.poll(() => asked).toBe(1);
  clock.advance(TIMEOUT_MS);
  await started;
  expect(signals[0]?.reason).toMatchObject({ message: "no answer within 50 ms" });
  expect(await told("")).toBe("NOT_SERVING");
  for (let i = 0; i < 3; i++) {
    clock.advance(INTERVAL_MS);
    await expect.poll(() => clock.pending).toBe(1);
  }
  expect(asked).toBe(1);
  release();
  await Promise.resolve();
  clock.advance(INTERVAL_MS);
  await expect.poll(() => asked).toBe(2);
});

test("a service that is not listed is never said to serve", async () => {
  monitor = startHealthMonitor({
    health: server.health,
    clock,
    log: recordingLogger(log),
    checks: { database: dependency().check },
    services: {},
  });
  await monitor.firstRound;
  expect(await told(ECHO_SERVICE)).toBe("NOT_SERVING");
});

test("after the stop nothing is asked, no timer is set and the process is not ready", async () => {
  const { state, check } = dependency();
  await watch({ database: check });
  monitor.stop();
  expect(clock.pending).toBe(0);
  clock.advance(10 * INTERVAL_MS);
  expect(state.asked).toBe(1);
  expect(monitor.readiness()).toEqual({ ready: false, reasons: ["stopping"] });
});

test("a stop during a check aborts it and publishes nothing", async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const started = watch({
    database: (signal) => {
      asked.resolve(signal);
      return new Promise(() => {});
    },
  });
  const signal = await asked.promise;
  monitor.stop();
  await started;
  expect(signal.aborted).toBe(true);
  expect(clock.pending).toBe(0);
  expect(log).toEqual([]);
});

test("a dependency without a check, and a service that the server does not have, are refused", () => {
  const base = { health: server.health, clock, log: recordingLogger(log), checks: {} };
  expect(() => startHealthMonitor({ ...base, services: { [ECHO_SERVICE]: ["database"] } })).toThrow(
    'testing.v1.EchoService depends on "database", which has no check',
  );
  expect(() => startHealthMonitor({ ...base, services: { "testing.v1.Other": [] } })).toThrow(
    '"testing.v1.Other" is not a service',
  );
  expect(() => startHealthMonitor({ ...base, services: {}, intervalMs: 0 })).toThrow("intervalMs 0");
});
