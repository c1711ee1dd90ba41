import { sql } from "kysely";
import { expect, test } from "vitest";
import { systemClock } from "#impl/runtime/clock.ts";
import { newId } from "#impl/runtime/ids.ts";
import { createEventLog } from "#impl/storage/events/create-event-log.ts";
import { eventTables } from "#impl/storage/events/event-tables.ts";
import { silentLog } from "#impl/storage/storage-log.ts";
import { testDatabase } from "#impl/storage/testing/test-database.ts";
import { inTransaction } from "#impl/storage/transaction.ts";
import { NewOrder } from "#proto/ecommerce/v1/order.ts";
import { create, productFixture } from "../product/testing/product-fixture.ts";
import { insertOrders } from "./order-insert.ts";
import type { PreparedOrder } from "./order-intake.ts";
import { isRejection, prepareOrders } from "./order-intake.ts";
import { ORDER_COLUMNS, type OrderRow, orderOf, ordersSchema } from "./order-row.ts";
import { createPricing } from "./pricing.ts";

const shop = await productFixture();
const database = await testDatabase<unknown>({ migrations: [ordersSchema, eventTables("orders")] });
const log = createEventLog({ database, schema: "orders", clock: systemClock, log: silentLog });

test("what is stored is what was prepared", async () => {
  const lamp = await create(shop.client);
  const asked = NewOrder.fromPartial({
    guest: { email: "a@b.c" },
    lines: [
      { productId: lamp.productId, quantity: 3n },
      { productId: lamp.productId.toUpperCase(), quantity: 1n },
    ],
    shippingAddress: { addressLines: ["x"], city: "y", countryCode: "GB" },
    paymentMethodToken: "tok",
  });
  const [prepared] = await prepareOrders([asked], {
    products: shop.client,
    pricing: createPricing(),
    clock: systemClock,
    newId,
    mayOverride: false,
    call: {},
  });
  if (prepared === undefined || isRejection(prepared)) throw new Error("rejected");
  const insert = (all: readonly PreparedOrder[], requestId: string) =>
    inTransaction(database, (tx) =>
      insertOrders(tx, all, {
        log,
        requests: all.map(() => ({ caller: "me", requestId, fingerprint: new Uint8Array(3) })),
      }),
    );
  const requestId = newId();
  expect(await insert([prepared], requestId)).toEqual([{ ...prepared.order, requestId }]);
  expect(await insert([{ order: { ...prepared.order, orderId: newId() } }], requestId)).toEqual([]);
  const { rows } = await sql<OrderRow>`select ${ORDER_COLUMNS} from orders.orders o`.execute(
    database.queries,
  );
  expect(rows.map(orderOf)).toEqual([
    { ...prepared.order, requestId, guest: { email: "a@b.c", fullName: "" } },
  ]);
});
