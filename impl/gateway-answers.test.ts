import { describe, expect, test } from "vitest";
import { OrderPart } from "#proto/ecommerce/v1/gateway.ts";
import { ListOrdersRequest } from "#proto/ecommerce/v1/order_service.ts";
import { ListPaymentsRequest } from "#proto/ecommerce/v1/payment.ts";
import { failure } from "./client/testing/answers.ts";
import { newId } from "./runtime/ids.ts";
import { Code } from "./runtime/status.ts";
import { startShopSystem } from "./testing/shop-system.ts";

const shop = await startShopSystem();
const lamp = await shop.product(1_000n);
const everything = ["orders.read", "users.read", "payments.read"];
const guest = await shop.as();
const clerk = await shop.as("service:clerk", everything);

describe("Checkout", () => {
  test("takes an order of a guest, charges the card and answers when it is processed", async () => {
    const { order, payment } = await guest.gateway.checkout(shop.cardCheckout(lamp));
    expect(payment?.orderId).toBe(order?.orderId);
    expect(payment?.card?.lastFour).toBe("4242");
  });

  test("repeats after lost answers are one order and one charge, also in parallel", async () => {
    const userId = newId();
    const customer = await shop.as(userId);
    const request = shop.cardCheckout(lamp, { userId });
    const cut = new AbortController();
    const lost = customer.gateway.checkout(request, { signal: cut.signal }).catch(() => {});
    cut.abort();
    await lost;
    const again = await Promise.all([1, 2, 3].map(() => customer.gateway.checkout(request)));
    const ids = new Set(again.map(({ order }) => order?.orderId));
    expect(ids.size).toBe(1);
    const { orders } = await clerk.orders.listOrders(ListOrdersRequest.fromPartial({ userId }));
    const { payments } = await clerk.payments.listPayments(ListPaymentsRequest.fromPartial({ userId }));
    expect([orders.length, payments.length]).toEqual([1, 1]);
  });

  test("another order or another card under a request id is ALREADY_EXISTS; of another caller it is another order", async () => {
    const request = shop.cardCheckout(lamp);
    const first = await guest.gateway.checkout(request);
    const other = shop.cardCheckout(lamp, { quantity: 2n });
    const { requestId } = request;
    expect((await failure(guest.gateway.checkout({ ...other, requestId }))).code).toBe(Code.ALREADY_EXISTS);
    const otherCard = shop.cardCheckout(lamp, { card: "5555555555554444" });
    const reused = await failure(guest.gateway.checkout({ ...otherCard, requestId }));
    expect([reused.code, reused.details.errorInfo?.metadata.request_id]).toEqual([
      Code.ALREADY_EXISTS,
      requestId,
    ]);
    const customer = await shop.as(newId());
    const second = await customer.gateway.checkout(request);
    expect(second.order?.orderId).not.toBe(first.order?.orderId);
  });

  test("an order for a user takes the user or orders.write", async () => {
    const request = shop.cardCheckout(lamp, { userId: newId() });
    const stranger = await shop.as(newId());
    for (const client of [guest, stranger]) {
      expect((await failure(client.gateway.checkout(request))).code).toBe(Code.PERMISSION_DENIED);
    }
    const desk = await shop.as("service:desk", ["orders.write"]);
    expect((await desk.gateway.checkout(request)).order?.userId).toBe(request.order?.userId);
  });

  test("a decline and a lack of stock are FAILED_PRECONDITION, again and again", async () => {
    const dear = shop.cardCheckout(lamp, { card: "4000000000000002" });
    for (const _ of [1, 2])
      expect((await failure(guest.gateway.checkout(dear))).code).toBe(Code.FAILED_PRECONDITION);
    const soldOut = shop.cardCheckout(await shop.product(0n));
    const refused = await failure(guest.gateway.checkout(soldOut));
    expect(refused.code).toBe(Code.FAILED_PRECONDITION);
  });

  test("a product that is not there is a violation of the order's field", async () => {
    const refused = await failure(guest.gateway.checkout(shop.cardCheckout(newId())));
    expect(refused.code).toBe(Code.INVALID_ARGUMENT);
    expect(refused.details.badRequest?.fieldViolations[0]?.field).toBe("order.lines[0].product_id");
  });
});

describe("GetOrderWithDetails", () => {
  test("has all parts for its owner; what does not exist any more is missing, and others find nothing", async () => {
    const userId = newId();
    const customer = await shop.as(userId);
    const { order } = await customer.gateway.checkout(shop.cardCheckout(lamp, { userId }));
    const orderId = order?.orderId ?? "";
    const details = await customer.gateway.getOrderWithDetails({ orderId });
    expect(details.products.map(({ productId }) => productId)).toEqual([lamp]);
    expect(details.payment?.orderId).toBe(orderId);
    // Nobody registered this user.
    expect(details.missing.map(({ part, error }) => [part, error?.code])).toEqual([
      [OrderPart.ORDER_PART_USER, Code.NOT_FOUND],
    ]);
    const stranger = await shop.as(newId());
    expect((await failure(stranger.gateway.getOrderWithDetails({ orderId }))).code).toBe(Code.NOT_FOUND);
    expect((await failure(clerk.gateway.getOrderWithDetails({ orderId: newId() }))).code).toBe(
      Code.NOT_FOUND,
    );
  });

  test("what the caller may not see is missing with PERMISSION_DENIED", async () => {
    const userId = newId();
    const customer = await shop.as(userId);
    const { order } = await customer.gateway.checkout(shop.cardCheckout(lamp, { userId }));
    const packer = await shop.as("service:packer", ["orders.read"]);
    const { missing } = await packer.gateway.getOrderWithDetails({ orderId: order?.orderId ?? "" });
    expect(missing.map(({ part, error }) => [part, error?.code])).toEqual([
      [OrderPart.ORDER_PART_USER, Code.PERMISSION_DENIED],
      [OrderPart.ORDER_PART_PAYMENT, Code.PERMISSION_DENIED],
    ]);
  });
});
