import { expect, test } from "vitest";
import { failure, present } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import { CancelOrderRequest } from "#proto/ecommerce/v1/order_service.ts";
import { PaymentState } from "#proto/ecommerce/v1/payment.ts";
import { OrderStatus } from "./order.ts";
import { booksOf } from "./testing/books.ts";
import { draft, get, pence, place, reached, startOrders, status, take } from "./testing/order-fixture.ts";
import { as } from "./testing/order-process.ts";

const orders = await startOrders({ limits: { maxAttempts: 10_000 } });
const { shop, client } = orders;

test("a paid order that is cancelled gives back the money and the stock", async () => {
  const lamp = await shop.product(5n, 1_250n);
  const paid = await place(orders, await draft(shop, [{ productId: lamp, quantity: 2n }]));
  const order = await cancel({ orderId: paid.orderId, reason: "found it cheaper" });
  expect(status(order)).toBe("CANCELLED");
  expect(order.failure).toMatchObject({ reason: "CANCELLED_BY_SHOP", message: "found it cheaper" });
  expect(order.totals).toMatchObject({ captured: pence(2_500n), refunded: pence(2_500n) });
  expect(order.lines).toMatchObject([
    { refundedQuantity: 2n, refundedAmount: pence(2_500n), returnedQuantity: 0n },
  ]);
  expect(await shop.stock(lamp)).toMatchObject({ available: 5n, sold: 0n });
  expect(await shop.paymentsOf(order.orderId)).toMatchObject([
    { state: PaymentState.PAYMENT_STATE_REFUNDED },
  ]);
});

test("who bought may cancel, others do not learn that there is an order", async () => {
  const customer = newId();
  const asked = await draft(shop, [{ productId: await shop.product(5n, 100n) }], {
    userId: customer,
    charges: undefined,
  });
  const { orderId } = await place(orders, asked, as(customer));
  const stranger = client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }), as(newId()));
  expect((await failure(stranger)).reason).toBe("NOT_FOUND");
  const { order } = await client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }), as(customer));
  expect(order?.failure?.reason).toBe("CANCELLED_BY_CUSTOMER");
});

test("a repeat has no effect and the same answer, with the request id or without, whatever the etag", async () => {
  const { orderId, etag } = await place(
    orders,
    await draft(shop, [{ productId: await shop.product(5n, 100n) }]),
  );
  const requestId = newId();
  const first = await cancel({ orderId, requestId, etag });
  expect(await cancel({ orderId, requestId, etag })).toEqual(first);
  expect(await cancel({ orderId, etag })).toEqual(first);
  const changed = client.cancelOrder(
    CancelOrderRequest.fromPartial({ orderId, requestId, reason: "another" }),
  );
  expect((await failure(changed)).reason).toBe("REQUEST_ID_REUSED");
});

test("only the version that is named is cancelled", async () => {
  const stored = await take(orders, await draft(shop, [{ productId: await shop.product(5n, 100n) }]));
  await reached(orders, stored.orderId, OrderStatus.ORDER_STATUS_PROCESSING);
  const call = client.cancelOrder(
    CancelOrderRequest.fromPartial({ orderId: stored.orderId, etag: stored.etag }),
  );
  expect(await failure(call)).toMatchObject({ code: Code.ABORTED, reason: "ETAG_MISMATCH" });
});

test("an order that was sent is not cancelled, and the refusal names its state", async () => {
  const { orderId } = await place(orders, await draft(shop, [{ productId: await shop.product(5n, 100n) }]));
  const shipment = { carrier: "royal-mail", trackingNumber: "", shipTime: undefined, deliverTime: undefined };
  await client.shipOrder({ orderId, shipment, etag: "", requestId: "" });
  const refused = await failure(client.cancelOrder(CancelOrderRequest.fromPartial({ orderId })));
  expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "ORDER_STATUS" });
  expect(refused.details.errorInfo?.metadata).toMatchObject({ status: "SHIPPED" });
  expect(refused.details.preconditionFailure?.violations.map(({ type }) => type)).toContain("SHIPPED");
});

test("whoever comes first, the cancellation or the processing, stock and money add up", async () => {
  const second = await orders.startProcess();
  const lives = Array.from({ length: 16 }, async (_, index) => {
    const order = await draft(shop, [{ productId: await shop.product(3n, 333n), quantity: 3n }]);
    const { orderId } = await take(orders, order);
    // Each somewhat later than the one before.
    for (let turns = 0; turns < index; turns += 1) await get(orders, orderId);
    await (index % 2 === 0 ? client : second.client).cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
    return await reached(orders, orderId, OrderStatus.ORDER_STATUS_CANCELLED);
  });
  for (const order of await Promise.all(lives)) await booksOf(shop, order);
});

test("an order whose authorization is not answered is being cancelled until it is, and then holds nothing", async () => {
  const { orderId } = await unanswered("authorize", OrderStatus.ORDER_STATUS_AUTHORIZING);
  const request = CancelOrderRequest.fromPartial({ orderId });
  const { order } = await client.cancelOrder(request, { deadlineMs: 600 });
  expect(status(present(order))).toBe("CANCELLING");
  const ending = reached(orders, orderId, OrderStatus.ORDER_STATUS_CANCELLED);
  await shop.payments.reconcile();
  await booksOf(shop, await ending);
  expect(await shop.paymentsOf(orderId)).toMatchObject([{ state: PaymentState.PAYMENT_STATE_VOIDED }]);
});

test("while the money is being taken there is nothing to cancel yet; once it is, it is given back", async () => {
  const { orderId } = await unanswered("capture", OrderStatus.ORDER_STATUS_CAPTURING);
  const request = CancelOrderRequest.fromPartial({ orderId });
  const refused = await failure(client.cancelOrder(request, { deadlineMs: 600 }));
  expect(refused.details.errorInfo?.metadata).toMatchObject({ status: "CAPTURING" });
  const cancelling = client.cancelOrder(request);
  await shop.payments.reconcile();
  expect(status(present((await cancelling).order))).toBe("CANCELLED");
  await booksOf(shop, await get(orders, orderId));
});

async function unanswered(kind: "authorize" | "capture", at: OrderStatus): Promise<Order> {
  const productId = await shop.product(5n, 100n);
  const paymentMethodToken = await shop.token(cardSuffering(kind, "answer_lost"));
  const { orderId } = await take(orders, await draft(shop, [{ productId }], { paymentMethodToken }));
  const order = await reached(orders, orderId, at);
  // Until the provider was asked.
  const asked = kind === "authorize" ? 1 : 2;
  while (((await shop.paymentsOf(orderId))[0]?.transactions.length ?? 0) < asked)
    await new Promise(setImmediate);
  return order;
}

async function cancel(request: Parameters<typeof CancelOrderRequest.fromPartial>[0]): Promise<Order> {
  return present((await client.cancelOrder(CancelOrderRequest.fromPartial(request))).order);
}
