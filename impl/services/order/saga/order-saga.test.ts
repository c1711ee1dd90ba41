import { expect, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { PaymentState, TransactionKind } from "#proto/ecommerce/v1/payment.ts";
import { OrderStatus } from "../order.ts";
import { draft, get, pence, place, reached, startOrders, status, take } from "../testing/order-fixture.ts";

const orders = await startOrders({ limits: { maxAttempts: 60 } });
const { shop } = orders;

const DECLINED = "4000000000009995";
const CAPTURE_DECLINED = "4000000000000341";

test("an order that cannot be reserved names its lines, and leaves everything as it was", async () => {
  const [plenty, scarce] = [await shop.product(10n, 100n), await shop.product(2n, 100n)];
  const wishes = [{ productId: plenty }, { productId: scarce, quantity: 2n }, { productId: scarce }];
  const order = await place(orders, await draft(shop, wishes));
  expect(status(order)).toBe("OUT_OF_STOCK");
  expect(order.failure).toMatchObject({ reason: "INSUFFICIENT_STOCK", lineNumbers: [2, 3] });
  expect(await shop.stock(plenty)).toMatchObject({ available: 10n, reserved: 0n });
  expect(await shop.paymentsOf(order.orderId)).toEqual([]);
});

test("a declined payment lets go of the stock", async () => {
  const lamp = await shop.product(5n, 100n);
  const paymentMethodToken = await shop.token(DECLINED);
  const order = await place(orders, await draft(shop, [{ productId: lamp }], { paymentMethodToken }));
  expect(status(order)).toBe("PAYMENT_FAILED");
  expect(order.failure).toMatchObject({ reason: "CARD_DECLINED" });
  expect(order.failure?.message).toContain("insufficient_funds");
  expect(await shop.stock(lamp)).toMatchObject({ available: 5n, reserved: 0n, sold: 0n });
});

test("a payment that cannot be captured is let go, and what was sold is in stock again", async () => {
  const lamp = await shop.product(5n, 100n);
  const paymentMethodToken = await shop.token(CAPTURE_DECLINED);
  const order = await place(
    orders,
    await draft(shop, [{ productId: lamp, quantity: 2n }], { paymentMethodToken }),
  );
  expect(status(order)).toBe("PAYMENT_FAILED");
  expect(order.totals).toMatchObject({ captured: pence(0n), refunded: pence(0n) });
  expect(await shop.stock(lamp)).toMatchObject({ available: 5n, reserved: 0n, sold: 0n });
  expect(await shop.paymentsOf(order.orderId)).toMatchObject([{ state: PaymentState.PAYMENT_STATE_VOIDED }]);
});

test.each(["authorize", "capture"] as const)(
  "an order whose %s is not answered waits for the outcome, and asks for nothing twice",
  async (kind) => {
    const lamp = await shop.product(5n, 100n);
    const paymentMethodToken = await shop.token(cardSuffering(kind, "answer_lost"));
    const { orderId } = await take(orders, await draft(shop, [{ productId: lamp }], { paymentMethodToken }));
    const state = kind === "authorize" ? "ORDER_STATUS_AUTHORIZING" : "ORDER_STATUS_CAPTURING";
    await reached(orders, orderId, OrderStatus[state]);
    const settling = settle(orderId);
    expect(status(await reached(orders, orderId, OrderStatus.ORDER_STATUS_PROCESSING))).toBe("PROCESSING");
    await settling;
    const [payment, ...more] = await shop.paymentsOf(orderId);
    expect(more).toEqual([]);
    const { TRANSACTION_KIND_AUTHORIZE, TRANSACTION_KIND_CAPTURE } = TransactionKind;
    expect(payment?.transactions.map((each) => each.kind)).toEqual([
      TRANSACTION_KIND_AUTHORIZE,
      TRANSACTION_KIND_CAPTURE,
    ]);
  },
);

test("a promise of stock that runs out while the payment is not answered is asked for again", async () => {
  const lamp = await shop.product(5n, 100n);
  const order = await unanswered(lamp, 5n);
  const before = order.reservationId;
  shop.inventory.clock.advance(1_900_000);
  await settle(order.orderId);
  const paid = await reached(orders, order.orderId, OrderStatus.ORDER_STATUS_PROCESSING);
  expect(paid.reservationId).not.toBe(before);
  expect(await shop.stock(lamp)).toMatchObject({ available: 0n, reserved: 0n, sold: 5n });
});

test("when somebody else has bought it meanwhile, the order fails and the payment is let go", async () => {
  const lamp = await shop.product(5n, 100n);
  const order = await unanswered(lamp, 5n);
  shop.inventory.clock.advance(1_900_000);
  const items = [{ productId: lamp, quantity: 1n }];
  await shop.inventory.client.releaseReservation({ reservationId: order.reservationId, requestId: newId() });
  await shop.inventory.client.reserveStock({ orderId: newId(), items, ttl: undefined, requestId: newId() });
  await settle(order.orderId);
  const failed = await reached(orders, order.orderId, OrderStatus.ORDER_STATUS_FAILED);
  expect(failed.failure).toMatchObject({ reason: "INSUFFICIENT_STOCK", lineNumbers: [1] });
  expect(await shop.stock(lamp)).toMatchObject({ available: 4n, reserved: 1n, sold: 0n });
  expect(await shop.paymentsOf(order.orderId)).toMatchObject([{ state: PaymentState.PAYMENT_STATE_VOIDED }]);
});

/** An order whose authorization is not answered before `settle`. */
async function unanswered(productId: string, quantity: bigint) {
  const paymentMethodToken = await shop.token(cardSuffering("authorize", "answer_lost"));
  const { orderId } = await take(
    orders,
    await draft(shop, [{ productId, quantity }], { paymentMethodToken }),
  );
  return await reached(orders, orderId, OrderStatus.ORDER_STATUS_AUTHORIZING);
}

/** Asks the provider what became of what it has not answered. */
async function settle(orderId: string): Promise<void> {
  while ((await shop.paymentsOf(orderId)).length === 0) await new Promise(setImmediate);
  while ((await get(orders, orderId)).status < OrderStatus.ORDER_STATUS_PROCESSING) {
    await shop.payments.reconcile();
    await new Promise(setImmediate);
    if (present((await shop.paymentsOf(orderId))[0]).state === PaymentState.PAYMENT_STATE_CAPTURED) return;
  }
}
