import { sql } from "kysely";
import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { ChargeKind } from "#proto/ecommerce/v1/order.ts";
import { OrderStatus } from "./order.ts";
import { draft, get, minor, pence, place, reached, startOrders, status } from "./testing/order-fixture.ts";
import { as } from "./testing/order-process.ts";

const orders = await startOrders();
const { shop, client } = orders;
const WAIT = { seconds: 10n, nanos: 0 };
const lamp = await shop.product(1_000n, 1_250n);

test("an order is paid, and its stock is sold", async () => {
  const chair = await shop.product(10n, 1_000n);
  const order = await place(orders, await draft(shop, [{ productId: chair, quantity: 3n }]));
  expect(status(order)).toBe("PROCESSING");
  expect(order.totals).toMatchObject({ total: pence(3_000n), captured: pence(3_000n), refunded: pence(0n) });
  expect(await shop.stock(chair)).toMatchObject({ available: 7n, reserved: 0n, sold: 3n });
  const payments = await shop.paymentsOf(order.orderId);
  expect(payments).toMatchObject([{ paymentId: order.paymentId, capturedAmount: pence(3_000n) }]);
});

test("the answer comes with the stored order, and a repeat gets the same whatever has happened since", async () => {
  const request = { order: await draft(shop, [{ productId: lamp }]), requestId: newId(), wait: undefined };
  const first = await client.createOrder(request);
  const { orderId } = present(first.order);
  expect(status(present(first.order))).toBe("PENDING");
  await reached(orders, orderId, OrderStatus.ORDER_STATUS_PROCESSING);
  expect(await client.createOrder(request)).toEqual(first);
});

test("a repeat that waits gets the order as it stands", async () => {
  const request = { order: await draft(shop, [{ productId: lamp }]), requestId: newId() };
  const first = await client.createOrder({ ...request, wait: undefined });
  const { order } = await client.createOrder({ ...request, wait: WAIT });
  expect(order).toMatchObject({ orderId: first.order?.orderId, status: OrderStatus.ORDER_STATUS_PROCESSING });
  expect(await client.createOrder({ ...request, wait: WAIT })).toEqual({ order });
});

test("one request id of one caller makes one order, however many ask at a time", async () => {
  const request = { order: await draft(shop, [{ productId: lamp }]), requestId: newId(), wait: WAIT };
  const second = (await orders.startProcess()).client;
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? client : second).createOrder(request)),
  );
  const ids = new Set(answers.map(({ order }) => order?.orderId));
  expect(ids.size).toBe(1);
  expect(await shop.paymentsOf(present([...ids][0]))).toHaveLength(1);
});

test("a request id with another content is refused, and of another caller it is another request", async () => {
  const request = { order: await draft(shop, [{ productId: lamp }]), requestId: newId(), wait: undefined };
  const { order } = await client.createOrder(request);
  const changed = { ...request, order: { ...request.order, reference: "another" } };
  expect((await failure(client.createOrder(changed))).reason).toBe("REQUEST_ID_REUSED");
  const other = as(newId(), ["orders.write", "orders.override_price"]);
  const theirs = await client.createOrder(request, other);
  expect(theirs.order?.orderId).not.toBe(order?.orderId);
});

test("a repeat is answered though the order could not be taken any more", async () => {
  const fading = await shop.product(5n, 100n);
  const request = { order: await draft(shop, [{ productId: fading }]), requestId: newId(), wait: undefined };
  const first = await client.createOrder(request);
  await shop.products.client.deleteProduct({ productId: fading, etag: "" });
  expect(await client.createOrder(request)).toEqual(first);
  const again = { ...request, requestId: newId() };
  expect((await failure(client.createOrder(again))).details.badRequest?.fieldViolations).toMatchObject([
    { field: "order.lines[0].product_id", reason: "order.deleted_product" },
  ]);
});

test("a customer orders at the shop's prices, and sees the order; others do not", async () => {
  const customer = newId();
  const asked = await draft(shop, [{ productId: lamp }], { userId: customer, charges: undefined });
  const order = await place(orders, asked, as(customer));
  expect(minor(order.totals?.total)).toBe(2_094n);
  expect((await client.getOrder({ orderId: order.orderId }, as(customer))).order).toEqual(
    await get(orders, order.orderId),
  );
  const stranger = client.getOrder({ orderId: order.orderId }, as(newId()));
  expect((await failure(stranger)).reason).toBe("NOT_FOUND");
  const own = await draft(shop, [{ productId: lamp }], { userId: customer });
  expect((await failure(place(orders, own, as(customer)))).reason).toBe("PERMISSION_MISSING");
});

test("what is free is not paid", async () => {
  const items = [{ kind: ChargeKind.CHARGE_KIND_DISCOUNT, label: "Gift", amount: pence(1_250n) }];
  const order = await place(orders, await draft(shop, [{ productId: lamp }], { charges: { items } }));
  expect(order).toMatchObject({ status: OrderStatus.ORDER_STATUS_PROCESSING, paymentId: "" });
  expect(await shop.paymentsOf(order.orderId)).toEqual([]);
});

test("the payment token is forgotten once it is of no more use", async () => {
  const order = await place(orders, await draft(shop, [{ productId: lamp }]));
  const { rows } = await sql`
    select payment_method_token as token from orders.orders where order_id = ${order.orderId}`.execute(
    orders.database.queries,
  );
  expect(rows).toEqual([{ token: null }]);
});
