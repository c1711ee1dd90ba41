import { expect, test } from "vitest";
import { newId } from "#impl/runtime/ids.ts";
import { draft, get, minor, pence, place, startOrders, status, take } from "./testing/order-fixture.ts";

const orders = await startOrders();
const { shop, client } = orders;

test("an order is paid, and its stock is sold", async () => {
  const lamp = await shop.product(10n, 1_250n);
  const order = await place(orders, await draft(shop, [{ productId: lamp, quantity: 3n }]));
  expect(status(order)).toBe("PROCESSING");
  expect(minor(order.totals?.captured)).toBe(3_750n);
  expect(await shop.stock(lamp)).toMatchObject({ available: 7n, reserved: 0n, sold: 3n });
  const [payment] = await shop.paymentsOf(order.orderId);
  expect(payment).toMatchObject({ paymentId: order.paymentId, capturedAmount: pence(3_750n) });
});
