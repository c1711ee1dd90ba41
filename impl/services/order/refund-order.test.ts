import { beforeAll, describe, expect, test } from "vitest";
import { failure, present, violations } from "#impl/client/testing/answers.ts";
import { cardSuffering } from "#impl/payment-provider/test-cards.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ChargeKind, type NewOrder, type Order } from "#proto/ecommerce/v1/order.ts";
import { RefundOrderRequest, type RefundOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { OrderStatus } from "./order.ts";
import { booksOf } from "./testing/books.ts";
import { draft, get, minor, pence, place, reached, startOrders, status } from "./testing/order-fixture.ts";

const REFUND_FAILS = "4000000000005126";
const orders = await startOrders();
const { shop, client } = orders;

type Asked = Parameters<typeof RefundOrderRequest.fromPartial>[0];

test("a part of an order is given back with its part of the charges, and the rest at the end, to the penny", async () => {
  const order = await paid({ charges: { items: [{ kind: 2, label: "Carriage", amount: pence(100n) }] } });
  const amounts: bigint[] = [];
  for (const [lineNumber, quantity] of [
    [1, 2n],
    [2, 1n],
    [1, 1n],
    [1, 4n],
    [2, 2n],
  ] as const) {
    const { refundedAmount } = await refund({ orderId: order.orderId, lines: [{ lineNumber, quantity }] });
    amounts.push(minor(refundedAmount));
  }
  expect(amounts.reduce((sum, amount) => sum + amount, 0n)).toBe(minor(order.totals?.captured));
  const after = await get(orders, order.orderId);
  expect(status(after)).toBe("REFUNDED");
  await booksOf(shop, after);
});

test("what goes back into stock is there when the answer comes", async () => {
  const order = await paid();
  const { productId } = present(order.lines[0]);
  await refund({ orderId: order.orderId, lines: [{ lineNumber: 1, quantity: 3n, restock: true }] });
  expect(await shop.stock(productId)).toMatchObject({ sold: 4n });
  const again = refund({ orderId: order.orderId, lines: [{ lineNumber: 1, quantity: 4n, restock: true }] });
  await again;
  expect(await shop.stock(productId)).toMatchObject({ sold: 0n });
});

test("one request id is one refund: its first answer is kept, whatever happens since", async () => {
  const { orderId } = await paid();
  const request = { orderId, lines: [{ lineNumber: 1, quantity: 1n }], requestId: newId() };
  const [first, second] = await Promise.all([refund(request), refund(request)]);
  expect(second).toEqual(first);
  await refund({ orderId, lines: [{ lineNumber: 1, quantity: 1n }] });
  expect(await refund(request)).toEqual(first);
  const changed = refund({ ...request, reason: "another" });
  expect((await failure(changed)).reason).toBe("REQUEST_ID_REUSED");
});

test("of many refunds at a time as many succeed as there are units, and nothing is given back twice", async () => {
  const second = await orders.startProcess();
  const order = await paid();
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) =>
      refund(
        { orderId: order.orderId, lines: [{ lineNumber: 1, quantity: 1n }] },
        index % 2 === 0 ? client : second.client,
      ),
    ),
  );
  expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(7);
  for (const result of results) {
    if (result.status === "rejected") expect(result.reason).toMatchObject({ reason: "LINE_QUANTITY" });
  }
  const after = await get(orders, order.orderId);
  expect(after.lines[0]).toMatchObject({ refundedQuantity: 7n, refundedAmount: pence(7n * 333n) });
  await booksOf(shop, after);
});

test("refunds of different lines run side by side, and the last one leads out of REFUNDING", async () => {
  const { orderId } = await paid();
  await Promise.all([1, 2].map((lineNumber) => refund({ orderId, lines: [{ lineNumber, quantity: 1n }] })));
  expect(status(await get(orders, orderId))).toBe("PARTIALLY_REFUNDED");
});

test("an amount of the caller's own is given back instead, up to what is left of the line", async () => {
  const { orderId } = await paid();
  const given = await refund({ orderId, lines: [{ lineNumber: 1, quantity: 1n, amount: pence(2_000n) }] });
  expect(given.refundedAmount).toEqual(pence(2_000n));
  const more = refund({ orderId, lines: [{ lineNumber: 1, quantity: 6n }] });
  expect(await failure(more)).toMatchObject({
    code: Code.FAILED_PRECONDITION,
    reason: "REFUND_EXCEEDS_CAPTURED",
  });
  const rest = await refund({ orderId, lines: [{ lineNumber: 1, quantity: 6n, amount: pence(331n) }] });
  expect(rest.order?.lines[0]).toMatchObject({ refundedAmount: pence(2_331n) });
});

test("another amount than is expected is not refunded", async () => {
  const order = await paid();
  const { orderId } = order;
  const line = { lineNumber: 1, quantity: 2n };
  const unexpected = refund({ orderId, lines: [{ ...line, expectedAmount: pence(665n) }] });
  expect(await failure(unexpected)).toMatchObject({ code: Code.ABORTED, reason: "REFUND_AMOUNT_DIFFERS" });
  expect(await get(orders, orderId)).toEqual(order);
  await refund({ orderId, lines: [{ ...line, expectedAmount: pence(666n) }] });
});

test("a refund that the provider refuses leads back to the state before it, and says why, every time", async () => {
  const order = await paid({ paymentMethodToken: await shop.token(REFUND_FAILS) });
  const request = { orderId: order.orderId, lines: [{ lineNumber: 1, quantity: 1n }], requestId: newId() };
  for (let time = 0; time < 2; time += 1) {
    const refused = await failure(refund(request));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "PROVIDER_REFUSED" });
    expect(refused.message).toContain("expired_or_canceled_card");
  }
  const after = await get(orders, order.orderId);
  expect(after).toMatchObject({ status: order.status, lines: order.lines, totals: order.totals });
});

test("while the provider has not answered the order is in REFUNDING, and a repeat learns the end", async () => {
  const order = await paid({ paymentMethodToken: await shop.token(cardSuffering("refund", "answer_lost")) });
  const request = { orderId: order.orderId, lines: [{ lineNumber: 1, quantity: 7n }], requestId: newId() };
  const first = await client.refundOrder(RefundOrderRequest.fromPartial(request), { deadlineMs: 900 });
  expect([status(present(first.order)), first.refundedAmount]).toEqual(["REFUNDING", pence(2_331n)]);
  const busy = client.refundOrder(RefundOrderRequest.fromPartial({ ...request, requestId: newId() }), {
    deadlineMs: 600,
  });
  expect((await failure(busy)).reason).toBe("REFUND_UNDER_WAY");
  await shop.payments.reconcile();
  await reached(orders, order.orderId, OrderStatus.ORDER_STATUS_PARTIALLY_REFUNDED);
  const second = await refund(request);
  expect(second).toMatchObject({ order: { status: OrderStatus.ORDER_STATUS_PARTIALLY_REFUNDED } });
});

describe("a refund is refused", () => {
  let order: Order;
  beforeAll(async () => {
    order = await paid();
  });

  test("of more units than are left", async () => {
    const refused = await failure(
      refund({ orderId: order.orderId, lines: [{ lineNumber: 2, quantity: 4n }] }),
    );
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "LINE_QUANTITY" });
  });

  test.each<[string, Asked, string]>([
    [
      "of a line that is not there",
      { lines: [{ lineNumber: 3, quantity: 1n }] },
      "lines[0].line_number: order.unknown_line",
    ],
    [
      "in another currency",
      { lines: [{ lineNumber: 1, quantity: 1n, amount: { currencyCode: "EUR", units: 1n } }] },
      "lines[0].amount: order.currency",
    ],
    [
      "of half a penny",
      { lines: [{ lineNumber: 1, quantity: 1n, expectedAmount: { currencyCode: "GBP", nanos: 5_000_000 } }] },
      "lines[0].expected_amount: money.precision",
    ],
    [
      "with a NUL in its reason",
      { lines: [{ lineNumber: 1, quantity: 1n }], reason: "\0" },
      "reason: text.nul",
    ],
  ])("%s", async (_, changes, violation) => {
    expect(violations(await failure(refund({ orderId: order.orderId, ...changes })))).toEqual([violation]);
  });

  test("of an order that is not there, of another version, and of one that was not paid", async () => {
    const lines = [{ lineNumber: 1, quantity: 1n }];
    expect((await failure(refund({ orderId: newId(), lines }))).reason).toBe("NOT_FOUND");
    expect((await failure(refund({ orderId: order.orderId, lines, etag: "x" }))).reason).toBe(
      "ETAG_MISMATCH",
    );
    const soldOut = await place(orders, await draft(shop, [{ productId: await shop.product(0n, 100n) }]));
    expect((await failure(refund({ orderId: soldOut.orderId, lines }))).reason).toBe("ORDER_STATUS");
    const items = [{ kind: ChargeKind.CHARGE_KIND_DISCOUNT, label: "Gift", amount: pence(100n) }];
    const gift = await draft(shop, [{ productId: await shop.product(1n, 100n) }], { charges: { items } });
    const free = await place(orders, gift);
    expect((await failure(refund({ orderId: free.orderId, lines }))).reason).toBe("NOTHING_CAPTURED");
  });
});

/** Seven units at 3.33 and three at 5.00. */
async function paid(changes: Parameters<typeof NewOrder.fromPartial>[0] = {}): Promise<Order> {
  const wishes = [
    { productId: await shop.product(7n, 333n), quantity: 7n },
    { productId: await shop.product(3n, 500n), quantity: 3n },
  ];
  const order = await place(orders, await draft(shop, wishes, changes));
  expect(status(order)).toBe("PROCESSING");
  return order;
}

async function refund(request: Asked, by = client): Promise<RefundOrderResponse> {
  return await by.refundOrder(RefundOrderRequest.fromPartial({ requestId: newId(), ...request }));
}
