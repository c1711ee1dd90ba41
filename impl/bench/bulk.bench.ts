// Orders that are stored in a second, and what one costs: through ProcessBulkOrders in batches of 100 and of 500, and through CreateOrder
// by callers that each wait for their answer, at 1, 20 and 600 lines. The processes share the machine with the caller.
// Usage: node impl/bench/bulk.bench.ts [lines to send in a run] [callers of CreateOrder]

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
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { BulkAtomicity, ProcessBulkOrdersRequest } from "#proto/ecommerce/v1/order_bulk.ts";
import { CreateOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import { connect } from "#wire/client.ts";
import type { WireConnection } from "#wire/connection.ts";
import type { OrderServerUsage } from "./order-server.ts";
import { postgresCpu } from "./postgres-cpu.ts";

const SERVICE = "/ecommerce.v1.OrderService";
const PRODUCTS = 3_000;
const MIN_ORDERS = 100;
const MAX_ORDERS = 10_000;
const [linesToSend = 60_000, callers = 32] = process.argv.slice(2).map(Number);

const productIds = Array.from({ length: PRODUCTS }, () => randomUUID());

/** As a caller of its own prices sends it. */
function order(index: number, lines: number): NewOrder {
  const unitPrice = { currencyCode: "GBP", units: 2n, nanos: 550_000_000 };
  return NewOrder.fromPartial({
    userId: randomUUID(),
    reference: `INVOICE-${index}`,
    paymentMethodToken: "pm_bench",
    charges: { items: [] },
    lines: Array.from({ length: lines }, (_, n) => ({
      productId: productIds[(index * 7 + n * 13) % PRODUCTS] ?? "",
      quantity: 3n,
      unitPrice,
    })),
  });
}

async function sendBulk(
  connection: WireConnection,
  orders: readonly NewOrder[],
  batchSize: number,
): Promise<void> {
  const header = { requestId: randomUUID(), atomicity: BulkAtomicity.BULK_ATOMICITY_PER_ORDER, batchSize };
  const stream = await connection.open({ path: `${SERVICE}/ProcessBulkOrders` });
  const send = (part: ProcessBulkOrdersRequest["part"]) =>
    stream.send(ProcessBulkOrdersRequest.encode({ part }).finish());
  await send({ $case: "header", value: header });
  for (const [index, one] of orders.entries()) {
    await send({ $case: "order", value: { position: BigInt(index), order: one } });
  }
  stream.end();
  await Array.fromAsync(stream.messages);
  const { grpcStatus, grpcMessage } = await stream.outcome;
  if (grpcStatus !== 0) throw new Error(`ProcessBulkOrders: status ${grpcStatus} ${grpcMessage}`);
}

async function sendEach(connection: WireConnection, orders: readonly NewOrder[]): Promise<void> {
  const waiting = orders.values();
  const caller = async (): Promise<void> => {
    for (const one of waiting) {
      const message = CreateOrderRequest.encode({
        order: one,
        requestId: randomUUID(),
        wait: undefined,
      }).finish();
      const { grpcStatus, grpcMessage } = await connection.call({ path: `${SERVICE}/CreateOrder`, message });
      if (grpcStatus !== 0) throw new Error(`CreateOrder: status ${grpcStatus} ${grpcMessage}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function usage(server: ChildProcess): Promise<OrderServerUsage> {
  server.send("usage");
  const [message] = (await once(server, "message")) as [OrderServerUsage];
  return message;
}

const dataDir = await mkdtemp(join(tmpdir(), "bulk-bench-"));
const postgres = await startEmbeddedPostgres({ dataDir, sleep: (ms) => wait(ms), log: silentLog });
const client = new pg.Client({ connectionString: postgres.url });
await client.connect();
const server = fork(new URL("order-server.ts", import.meta.url), [postgres.url, join(dataDir, "images")], {
  execArgv: ["--max-semi-space-size=16"],
});
const rows: string[] = [];
try {
  const [{ port }] = (await once(server, "message")) as [{ port: number }];
  await client.query(
    `insert into products.products (product_id, sku, name, description, category, price_minor, currency, attributes, availability,
       create_time, update_time)
     select id, 'SKU-' || n, 'Hanging heart T-light holder ' || n, '', 'home', 255, 'GBP', '{}', 1, now(), now()
     from unnest($1::uuid[]) with ordinality as product (id, n)`,
    [productIds],
  );
  const connection = await connect({ host: "127.0.0.1", port });
  const ways = [
    ["bulk, batches of 100", (orders: readonly NewOrder[]) => sendBulk(connection, orders, 100)],
    ["bulk, batches of 500", (orders: readonly NewOrder[]) => sendBulk(connection, orders, 500)],
    [`CreateOrder, ${callers} callers`, (orders: readonly NewOrder[]) => sendEach(connection, orders)],
  ] as const;
  for (const [, send] of ways) await send(Array.from({ length: 1_000 }, (_, index) => order(index, 4)));
  for (const lines of [1, 20, 600]) {
    const count = Math.min(MAX_ORDERS, Math.max(MIN_ORDERS, Math.round(linesToSend / lines)));
    const orders = Array.from({ length: count }, (_, index) => order(index, lines));
    for (const [name, send] of ways) {
      const before = [await usage(server), await postgresCpu(client)] as const;
      const begun = performance.now();
      await send(orders);
      const perSecond = (count / (performance.now() - begun)) * 1_000;
      const after = [await usage(server), await postgresCpu(client)] as const;
      const each = (used: number): string => Math.round(used / count).toString();
      rows.push(
        `| ${lines} | ${name} | ${Math.round(perSecond)} | ${Math.round(perSecond * lines)} | ${each(after[0].cpuMicros - before[0].cpuMicros)} | ${each(after[1] - before[1])} | ${((after[0].statements - before[0].statements) / count).toFixed(2)} |`,
      );
    }
  }
  await connection.close();
} finally {
  server.disconnect();
  await once(server, "exit");
  await client.end();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
process.stdout.write(
  [
    "| lines | way | orders/s | lines/s | server CPU us/order | PostgreSQL CPU us/order | statements/order |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n"),
);
