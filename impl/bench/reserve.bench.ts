// Reservations a second, through InventoryService over the wire, by callers that each wait for their answer: of one product that all
// of them want, and of a thousand; with commands that share transactions, and with one transaction for each.
// Usage: node impl/bench/reserve.bench.ts [seconds a run] [callers] [lanes]

import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { startEmbeddedPostgres } from "#impl/storage/embedded-postgres.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { ReceiveStockRequest, ReserveStockRequest } from "#proto/ecommerce/v1/inventory.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { InventoryUsage } from "./inventory-server.ts";
import { postgresCpu } from "./postgres-cpu.ts";

const PRODUCTS = 1_000;
const WARM_UP_SECONDS = 1.5;
const [seconds = 6, callers = 32, lanes = 2] = process.argv.slice(2).map(Number);

interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverCpu: number;
  readonly postgresCpu: number;
  readonly transactions: number;
  readonly statements: number;
}

const productIds = Array.from({ length: PRODUCTS }, () => randomUUID());

async function call(connection: WireConnection, method: string, message: Uint8Array): Promise<void> {
  const path = `/ecommerce.v1.InventoryService/${method}`;
  const result = await connection.call({ path, message });
  if (result.grpcStatus !== 0)
    throw new Error(`${method}: status ${result.grpcStatus} ${result.grpcMessage}`);
}

async function receive(connection: WireConnection): Promise<void> {
  const items = productIds.map((productId) => ({ productId, quantity: 1_000_000_000n }));
  const request = { items, reference: "bench", requestId: randomUUID() };
  await call(connection, "ReceiveStock", ReceiveStockRequest.encode(request).finish());
}

function reserveRequest(productId: string): Uint8Array {
  const items = [{ productId, quantity: 1n }];
  const request = { orderId: randomUUID(), items, ttl: undefined, requestId: randomUUID() };
  return ReserveStockRequest.encode(request).finish();
}

/** Milliseconds that each call took. */
async function drive(
  connection: WireConnection,
  products: readonly string[],
  forSeconds: number,
): Promise<number[]> {
  const took: number[] = [];
  const until = performance.now() + forSeconds * 1_000;
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let begun = performance.now(); begun < until; begun = performance.now()) {
      next = (next + 1) % products.length;
      await call(connection, "ReserveStock", reserveRequest(products[next] ?? ""));
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return took;
}

async function usage(server: ChildProcess): Promise<InventoryUsage> {
  server.send("usage");
  const [message] = (await once(server, "message")) as [InventoryUsage];
  return message;
}

async function committed(client: pg.Client): Promise<number> {
  await client.query("select pg_stat_force_next_flush()");
  const { rows } = await client.query<{ n: string }>(
    "select xact_commit as n from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]?.n);
}

async function measure(
  server: ChildProcess,
  connection: WireConnection,
  client: pg.Client,
  products: readonly string[],
): Promise<Measured> {
  await drive(connection, products, WARM_UP_SECONDS);
  const before = [await usage(server), await postgresCpu(client), await committed(client)] as const;
  const begun = performance.now();
  const took = (await drive(connection, products, seconds)).sort((a, b) => a - b);
  const elapsed = (performance.now() - begun) / 1_000;
  const after = [await usage(server), await postgresCpu(client), await committed(client)] as const;
  return {
    perSecond: took.length / elapsed,
    p50Ms: took[Math.floor(took.length * 0.5)] ?? Number.NaN,
    p99Ms: took[Math.floor(took.length * 0.99)] ?? Number.NaN,
    serverCpu: (after[0].cpuMicros - before[0].cpuMicros) / elapsed / 1e6,
    postgresCpu: (after[1] - before[1]) / elapsed / 1e6,
    transactions: (after[2] - before[2]) / elapsed,
    statements: (after[0].statements - before[0].statements) / took.length,
  };
}

const dataDir = await mkdtemp(join(tmpdir(), "reserve-bench-"));
const postgres = await startEmbeddedPostgres({ dataDir, sleep: (ms) => wait(ms), log: silentLog });
const client = new pg.Client({ connectionString: postgres.url });
await client.connect();
const lines: string[] = [];
try {
  for (const [name, ...limits] of [
    ["shared transactions", lanes, 64],
    ["one transaction each", 10, 1],
  ] as const) {
    const server = fork(new URL("inventory-server.ts", import.meta.url), [
      postgres.url,
      ...limits.map(String),
    ]);
    const [{ port }] = (await once(server, "message")) as [{ port: number }];
    const connection = await connect({ host: "127.0.0.1", port });
    await receive(connection);
    for (const products of [productIds.slice(0, 1), productIds]) {
      const m = await measure(server, connection, client, products);
      lines.push(
        `| ${products.length} | ${name} | ${Math.round(m.perSecond)} | ${m.p50Ms.toFixed(1)} | ${m.p99Ms.toFixed(1)} | ${m.serverCpu.toFixed(2)} | ${m.postgresCpu.toFixed(2)} | ${Math.round(m.transactions)} | ${m.statements.toFixed(1)} |`,
      );
    }
    await connection.close();
    server.disconnect();
    await once(server, "exit");
  }
} finally {
  await client.end();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
process.stdout.write(
  [
    "| products | commands | reservations/s | p50 ms | p99 ms | server CPUs | PostgreSQL CPUs | commits/s | statements each |",
    "|---|---|---|---|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n"),
);
