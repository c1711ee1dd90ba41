// An order service among real services, with a database of its own, and what tests ask of it, with everything they do not care about
// filled in.

import { afterAll } from "vitest";
import type { CallOptions } from "#impl/client/client.ts";
import { present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { type TestDatabase, testDatabase } from "#impl/storage/testing/test-database.ts";
import { type NewOrder, type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import { ordersSchema } from "../order-row.ts";

import { type OrderProcess, type OrderProcessOptions, startOrderProcess } from "./order-process.ts";
import { type Shop, startShop } from "./shop.ts";

export { draft, minor, pence } from "./order-draft.ts";

export interface OrderFixture {
  readonly shop: Shop;
  readonly database: TestDatabase<unknown>;
  /** The process that serves `client`. */
  readonly process: OrderProcess;
  readonly client: OrderProcess["client"];
  /** Another process of the service. It is stopped after the last test. */
  startProcess(options?: OrderProcessOptions): Promise<OrderProcess>;
}

/** Call it at the top of a test file: it registers its own clean-up. */
export async function startOrders(options: OrderProcessOptions = {}): Promise<OrderFixture> {
  const shop = await startShop();
  const database = await testDatabase<unknown>({ migrations: [ordersSchema, eventTables("orders")] });
  const startProcess = async (others: OrderProcessOptions = {}): Promise<OrderProcess> => {
    const process = await startOrderProcess(database, shop, others);
    afterAll(() => process.stop());
    return process;
  };
  const process = await startProcess(options);
  return { shop, database, process, client: process.client, startProcess };
}

/** Places it and waits for its processing. */
export async function place(
  { client }: Pick<OrderFixture, "client">,
  order: NewOrder,
  options: CallOptions = {},
): Promise<Order> {
  const request = { order, requestId: newId(), wait: { seconds: 10n, nanos: 0 } };
  return present((await client.createOrder(request, options)).order);
}

/** Stored, and no more. */
export async function take(
  { client }: Pick<OrderFixture, "client">,
  order: NewOrder,
  options: CallOptions = {},
): Promise<Order> {
  return present((await client.createOrder({ order, requestId: newId(), wait: undefined }, options)).order);
}

export async function get({ client }: Pick<OrderFixture, "client">, orderId: string): Promise<Order> {
  return present((await client.getOrder({ orderId })).order);
}

/** The order at the first moment when it is in one of these states; from its events. */
export async function reached(
  { client }: Pick<OrderFixture, "client">,
  orderId: string,
  ...statuses: readonly OrderStatus[]
): Promise<Order> {
  const request = { orderId, heartbeatInterval: undefined, resumeToken: "" };
  for await (const { event } of client.trackOrder(request, { signal: AbortSignal.timeout(15_000) })) {
    if (event?.$case !== "update" || event.value.order === undefined) continue;
    if (statuses.includes(event.value.order.status)) return event.value.order;
  }
  throw new Error(`order ${orderId} has ended in another state`);
}

/** "PROCESSING" */
export function status(order: Order): string {
  const [name = ""] = Object.entries(OrderStatus).find(([, value]) => value === order.status) ?? [];
  return name.replace("ORDER_STATUS_", "");
}
