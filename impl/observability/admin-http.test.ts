import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { type LogLine, recordingLogger } from "#impl/runtime/testing/test-server.ts";
import { type Admin, type Readiness, startAdmin } from "./admin-http.ts";
import { createMetrics } from "./metrics.ts";
import { type RuntimeStats, type RuntimeStatsReader, startRuntimeStats } from "./runtime-stats.ts";

let admin: Admin;
let runtime: RuntimeStatsReader;
let readiness: () => Readiness = () => ({ ready: true, reasons: [] });
const log: LogLine[] = [];

const options = () => ({
  port: 0,
  metrics: createMetrics({ processMetrics: false, sources: { databaseQueries: () => 12 } }),
  readiness: () => readiness(),
  runtime,
  log: recordingLogger(log),
});

beforeAll(async () => {
  runtime = startRuntimeStats({
    clock: systemClock,
    profileAllocations: true,
    calls: () => 3,
    databaseQueries: () => 12,
    databaseUrl: () => "postgres://localhost:1/shop",
  });
  admin = await startAdmin(options());
});
afterAll(async () => {
  runtime.close();
  await admin.close();
});

const get = (path: string, init?: RequestInit) => fetch(`http://${admin.address}${path}`, init);

// What the server sends is what the reader made.
async function stats(): Promise<RuntimeStats> {
  return (await (await get("/debug/runtime")).json()) as RuntimeStats;
}

test("metrics are served in the format that Prometheus reads", async () => {
  const response = await get("/metrics?name=x");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain("database_queries_total 12\n");
});

test("it is alive whenever it answers, and ready when it is said to be", async () => {
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(200);
  readiness = () => ({ ready: false, reasons: ["database does not answer"] });
  const response = await get("/readyz");
  expect(response.status).toBe(503);
  expect(await response.text()).toBe("not ready\ndatabase does not answer\n");
  expect((await get("/healthz")).status).toBe(200);
});

test("the process's counters grow with what it does", async () => {
  const before = await stats();
  const kept: string[][] = [];
  for (let i = 0; i < 200; i++) kept.push(Array.from({ length: 1_000 }, (_, j) => `${i}-${j}`));
  const after = await stats();
  expect(kept).toHaveLength(200);
  expect(after).toMatchObject({
    pid: process.pid,
    node: process.version,
    v8: process.versions.v8,
    execArgv: process.execArgv,
    cpuMicros: { user: expect.any(Number), system: expect.any(Number) },
    gc: { count: expect.any(Number), majorCount: expect.any(Number), pauseMicros: expect.any(Number) },
    eventLoop: {
      active: expect.any(Number),
      idle: expect.any(Number),
      utilization: expect.any(Number),
      delay: { count: expect.any(Number), sumMs: expect.any(Number) },
    },
    rssBytes: expect.any(Number),
    heapUsedBytes: expect.any(Number),
    calls: 3,
    databaseQueries: 12,
    databaseUrl: "postgres://localhost:1/shop",
  });
  // 200,000 strings of at least 16 bytes.
  expect(Number(after.allocatedBytes) - Number(before.allocatedBytes)).toBeGreaterThan(3_200_000);
  expect(after.gc.count).toBeGreaterThanOrEqual(before.gc.count);
  expect(after.cpuMicros.user).toBeGreaterThan(before.cpuMicros.user);
  expect(after.uptimeSeconds).toBeGreaterThan(before.uptimeSeconds);
});

test("allocated bytes are null when they are not counted", () => {
  const plain = startRuntimeStats({ clock: systemClock, calls: () => 0, databaseQueries: () => 0 });
  expect(plain.read()).toMatchObject({ allocatedBytes: null });
  expect(plain.read()).not.toHaveProperty("databaseUrl");
  plain.close();
});

test("other paths and other methods are refused in words", async () => {
  const missing = await get("/");
  expect(missing.status).toBe(404);
  expect(await missing.text()).toContain("/metrics, /healthz, /readyz, /debug/runtime");
  const posted = await get("/metrics", { method: "POST", body: "x".repeat(100_000) });
  expect(posted.status).toBe(405);
  expect(posted.headers.get("allow")).toBe("GET, HEAD");
  expect(await posted.text()).toContain("/metrics can only be read");
  const head = await get("/healthz", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("a source that throws is answered 500, and logged without being shown", async () => {
  readiness = () => {
    throw new Error("secret trouble");
  };
  const response = await get("/readyz");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
  expect(log.at(-1)).toMatchObject({ level: "error", fields: { path: "/readyz" } });
});

test("closing cuts connections that are open, idle or silent", async () => {
  const other = await startAdmin(options());
  const silent = connect(other.port, "127.0.0.1");
  await once(silent, "connect");
  await (await fetch(`http://${other.address}/healthz`)).text();
  const cut = once(silent, "close");
  await other.close();
  await other.close();
  await cut;
  await expect(fetch(`http://${other.address}/healthz`)).rejects.toThrow("fetch failed");
});

test("a port that is taken and a port that is none are refused with the address", async () => {
  const taken = createServer();
  taken.listen(0, "127.0.0.1");
  await once(taken, "listening");
  const address = taken.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  await expect(startAdmin({ ...options(), port })).rejects.toThrow(
    `admin cannot listen on 127.0.0.1:${port}: listen EADDRINUSE`,
  );
  taken.close();
  await expect(startAdmin({ ...options(), port: 70_000 })).rejects.toThrow(
    "admin port 70000: must be an integer from 0 to 65535",
  );
});
