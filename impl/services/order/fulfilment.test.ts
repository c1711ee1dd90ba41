import { expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import {
  DeliverOrderRequest,
  ReceiveReturnRequest,
  RefundOrderRequest,
  RequestReturnRequest,
  ShipOrderRequest,
} from "#proto/ecommerce/v1/order_service.ts";
import { booksOf } from "./testing/books.ts";
import { draft, get, place, startOrders, status } from "./testing/order-fixture.ts";
import { as } from "./testing/order-process.ts";

const orders = await startOrders();
const { shop, client } = orders;
const SHIPMENT = { carrier: "royal-mail", trackingNumber: "RM 1" };

test("an order is sent, arrives, is asked back and comes back, and what can be sold again is in stock", async () => {
  const { orderId, lines } = await paid();
  const sent = await ship({ orderId });
  expect([status(sent), sent.shipments]).toMatchObject([
    "SHIPPED",
    [{ ...SHIPMENT, deliverTime: undefined }],
  ]);
  const arrived = await deliver({ orderId, deliverTime: new Date("2026-01-02T03:04:05Z") });
  expect([status(arrived), arrived.shipments[0]?.deliverTime]).toEqual([
    "DELIVERED",
    new Date("2026-01-02T03:04:05Z"),
  ]);
  const asked = await askBack({ orderId, lines: [{ lineNumber: 1, quantity: 3n }], reason: "too bright" });
  expect([status(asked), asked.lines[0]?.returnedQuantity]).toEqual(["RETURN_REQUESTED", 0n]);
  const back = await receive({ orderId, lines: [{ lineNumber: 1, quantity: 2n, restock: true }] });
  expect([status(back), back.lines[0]?.returnedQuantity]).toEqual(["RETURNED", 2n]);
  expect(await shop.stock(present(lines[0]).productId)).toMatchObject({ sold: 1n });
  const refund = { orderId, lines: [{ lineNumber: 1, quantity: 2n }], requestId: newId() };
  const { order } = await client.refundOrder(RefundOrderRequest.fromPartial(refund));
  expect(status(present(order))).toBe("PARTIALLY_REFUNDED");
  await booksOf(shop, present(order), 2n);
});

test("a repeat of a request has no further effect", async () => {
  const { orderId } = await paid();
  const request = { orderId, requestId: newId() };
  const first = await ship(request);
  await deliver({ orderId });
  expect(await ship(request)).toEqual(first);
  expect((await failure(ship({ ...request, shipment: { carrier: "other" } }))).reason).toBe(
    "REQUEST_ID_REUSED",
  );
});

test.each<[string, (orderId: string) => Promise<unknown>]>([
  ["arrives", (orderId) => deliver({ orderId })],
  ["is asked back", (orderId) => askBack({ orderId })],
  ["comes back", (orderId) => receive({ orderId })],
])("an order that was not sent neither %s nor changes", async (_, change) => {
  const order = await paid();
  const refused = await failure(change(order.orderId));
  expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "ORDER_STATUS" });
  expect(refused.details.errorInfo?.metadata).toMatchObject({ status: "PROCESSING" });
  expect(await get(orders, order.orderId)).toEqual(order);
});

test("an order that was refunded in part is sent once, and arrives once", async () => {
  const { orderId } = await paid();
  const refund = { orderId, lines: [{ lineNumber: 1, quantity: 1n, restock: true }], requestId: newId() };
  await client.refundOrder(RefundOrderRequest.fromPartial(refund));
  expect((await failure(deliver({ orderId }))).reason).toBe("ORDER_STATUS");
  expect((await failure(askBack({ orderId }))).reason).toBe("ORDER_STATUS");
  await ship({ orderId });
  await client.refundOrder(RefundOrderRequest.fromPartial({ ...refund, requestId: newId() }));
  expect((await failure(ship({ orderId }))).reason).toBe("ORDER_STATUS");
  await deliver({ orderId });
  await client.refundOrder(RefundOrderRequest.fromPartial({ ...refund, requestId: newId() }));
  expect((await failure(deliver({ orderId }))).reason).toBe("ORDER_STATUS");
  const order = await get(orders, orderId);
  // One unit was never sent, two have come back.
  expect(order.lines[0]).toMatchObject({ returnedQuantity: 2n, refundedQuantity: 3n });
  await booksOf(shop, order, 3n);
});

test("no more comes back than was asked for, and no more is asked for than is out", async () => {
  const { orderId } = await paid();
  await ship({ orderId });
  const tooMany = [{ lineNumber: 1, quantity: 4n }];
  expect((await failure(askBack({ orderId, lines: tooMany }))).reason).toBe("LINE_QUANTITY");
  await askBack({ orderId, lines: [{ lineNumber: 1, quantity: 2n }] });
  expect((await failure(receive({ orderId, lines: [{ lineNumber: 1, quantity: 3n }] }))).reason).toBe(
    "LINE_QUANTITY",
  );
  await receive({ orderId, lines: [{ lineNumber: 1, quantity: 1n }] });
  const restocked = { orderId, lines: [{ lineNumber: 1, quantity: 3n, restock: true }], requestId: newId() };
  expect((await failure(client.refundOrder(RefundOrderRequest.fromPartial(restocked)))).reason).toBe(
    "LINE_QUANTITY",
  );
});

test("who bought may ask to send back; others do not learn that there is an order", async () => {
  const customer = newId();
  const productId = await shop.product(3n, 100n);
  const asked = await draft(shop, [{ productId }], { userId: customer, charges: undefined });
  const { orderId } = await place(orders, asked, as(customer));
  await ship({ orderId });
  const request = RequestReturnRequest.fromPartial({ orderId, lines: [{ lineNumber: 1, quantity: 1n }] });
  expect((await failure(client.requestReturn(request, as(newId())))).reason).toBe("NOT_FOUND");
  expect(status(present((await client.requestReturn(request, as(customer))).order))).toBe("RETURN_REQUESTED");
});

test("a line that is not there and another version are refused", async () => {
  const { orderId } = await paid();
  await ship({ orderId });
  expect(violations(await failure(askBack({ orderId, lines: [{ lineNumber: 2, quantity: 1n }] })))).toEqual([
    "lines[0].line_number: order.unknown_line",
  ]);
  expect((await failure(deliver({ orderId, etag: "x" }))).reason).toBe("ETAG_MISMATCH");
});

/** Three units of one product that nobody else buys. */
async function paid(): Promise<Order> {
  return await place(orders, await draft(shop, [{ productId: await shop.product(3n, 333n), quantity: 3n }]));
}

async function ship(changes: Parameters<typeof ShipOrderRequest.fromPartial>[0]): Promise<Order> {
  return present(
    (await client.shipOrder(ShipOrderRequest.fromPartial({ shipment: SHIPMENT, ...changes }))).order,
  );
}

async function deliver(changes: Parameters<typeof DeliverOrderRequest.fromPartial>[0]): Promise<Order> {
  return present((await client.deliverOrder(DeliverOrderRequest.fromPartial(changes))).order);
}

const ONE = [{ lineNumber: 1, quantity: 1n }];

async function askBack(changes: Parameters<typeof RequestReturnRequest.fromPartial>[0]): Promise<Order> {
  return present(
    (await client.requestReturn(RequestReturnRequest.fromPartial({ lines: ONE, ...changes }))).order,
  );
}

async function receive(changes: Parameters<typeof ReceiveReturnRequest.fromPartial>[0]): Promise<Order> {
  return present(
    (await client.receiveReturn(ReceiveReturnRequest.fromPartial({ lines: ONE, ...changes }))).order,
  );
}
