import { describe, expect, test } from "vitest";
import { present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import type { Order } from "#proto/ecommerce/v1/order.ts";
import {
  CancelOrderRequest,
  ReceiveReturnRequest,
  RefundOrderRequest,
} from "#proto/ecommerce/v1/order_service.ts";
import { authorizations, booksOf, sagasLeft } from "../testing/books.ts";
import { type Place, workAlone } from "../testing/lone-worker.ts";
import { type Mortal, mortal } from "../testing/mortal.ts";
import { draft, get, minor, startOrders, status, take } from "../testing/order-fixture.ts";

// Nobody works here but whom a test lets work, until it dies.
const orders = await startOrders({ works: false });
const { shop, client, database } = orders;
const place: Place = { shop, database, events: orders.process.events };
/** Dozens of lives in each test, one after the other, on a machine that may be busy. */
const TIMEOUT = { timeout: 60_000 };
const CARDS = {
  faultless: "4242424242424242",
  declined: "4000000000009995",
  captureDeclined: "4000000000000341",
} as const;

describe(
  "when its worker dies at any moment, and its last call arrives when all seems over,",
  TIMEOUT,
  () => {
    // The first moments of an order are the same whatever its card: they are lived through once.
    test.each([
      ["faultless", "PROCESSING", 1],
      ["declined", "PAYMENT_FAILED", 5],
      ["captureDeclined", "PAYMENT_FAILED", 10],
    ] as const)("an order with a %s card ends in %s", async (card, end, from) => {
      await atEveryMoment(from, async (life) => {
        const { orderId } = await stored(CARDS[card]);
        await workAlone(place, life);
        await workAlone(place);
        await life.deliver();
        expect(status(await over(orderId))).toBe(end);
      });
    });

    test("an order that is then cancelled ends in CANCELLED", async () => {
      await atEveryMoment(1, async (life) => {
        const { orderId } = await stored(CARDS.faultless);
        await workAlone(place, life);
        await during(cancel(orderId), () => workAlone(place));
        await life.deliver();
        expect(status(await over(orderId))).toBe("CANCELLED");
      });
    });

    test("an order that is being cancelled after it was paid ends in CANCELLED, with all given back", async () => {
      await atEveryMoment(1, async (life) => {
        const { orderId } = await stored(CARDS.faultless);
        await workAlone(place);
        const cancelling = cancel(orderId);
        await workToDo();
        await workAlone(place, life);
        await during(cancelling, () => workAlone(place));
        await life.deliver();
        const order = await over(orderId);
        expect(status(order)).toBe("CANCELLED");
        expect(minor(order.totals?.refunded)).toBe(minor(order.totals?.total));
      });
    });

    test("a refund is given once, and its goods are put back once", async () => {
      await atEveryMoment(1, async (life) => {
        const { orderId } = await stored(CARDS.faultless);
        await workAlone(place);
        const lines = [{ lineNumber: 1, quantity: 2n, restock: true }];
        const refunding = client.refundOrder(
          RefundOrderRequest.fromPartial({ orderId, lines, requestId: newId() }),
        );
        await workToDo();
        await workAlone(place, life);
        await during(refunding, () => workAlone(place));
        await life.deliver();
        const order = await over(orderId, 2n);
        expect(status(order)).toBe("PARTIALLY_REFUNDED");
        expect(minor(order.totals?.refunded)).toBe(2n * 333n);
        expect(await refunding).toMatchObject({ order: { lines: [{ refundedQuantity: 2n }] } });
      });
    });

    test("goods that came back are put back once", async () => {
      await atEveryMoment(1, async (life) => {
        const { orderId } = await stored(CARDS.faultless);
        await workAlone(place);
        await sentBack(orderId, 3n);
        const lines = [{ lineNumber: 1, quantity: 3n, restock: true }];
        await client.receiveReturn(ReceiveReturnRequest.fromPartial({ orderId, lines }));
        await workAlone(place, life);
        await workAlone(place);
        await life.deliver();
        expect(status(await over(orderId, 3n))).toBe("RETURNED");
      });
    });
  },
);

test("when its worker stands still at any moment, and goes on after another has finished, an order is still paid once", async () => {
  for (let moment = 1, stood = true; stood; moment += 1) {
    stood = false;
    const { orderId } = await stored(CARDS.faultless);
    const life = mortal(moment, async () => {
      stood = true;
      await workAlone(place);
    });
    await workAlone(place, life);
    expect(status(await over(orderId))).toBe("PROCESSING");
  }
});

/** Lives that end at this moment, the next, and so on, up to one that is long enough. */
async function atEveryMoment(from: number, live: (life: Mortal) => Promise<void>): Promise<void> {
  for (let moment = from; ; moment += 1) {
    const life = mortal(moment);
    await live(life);
    if (!life.dead) {
      expect(moment).toBeGreaterThan(from + 2);
      return;
    }
  }
}

/** Of three units of a product that nobody else buys. */
async function stored(cardNumber: string): Promise<Order> {
  const productId = await shop.product(5n, 333n);
  const paymentMethodToken = await shop.token(cardNumber);
  return await take(orders, await draft(shop, [{ productId, quantity: 3n }], { paymentMethodToken }));
}

/** The order, whose books add up. */
async function over(orderId: string, backInStock = 0n): Promise<Order> {
  expect(await sagasLeft(database)).toEqual([]);
  const order = await get(orders, orderId);
  await booksOf(shop, order, backInStock);
  expect(authorizations(await shop.paymentsOf(orderId))).toBeLessThanOrEqual(1);
  return order;
}

function cancel(orderId: string): Promise<unknown> {
  return client.cancelOrder(CancelOrderRequest.fromPartial({ orderId }));
}

async function sentBack(orderId: string, quantity: bigint): Promise<void> {
  const change = { orderId, etag: "", requestId: "" };
  const parcel = { carrier: "royal-mail", trackingNumber: "", shipTime: undefined, deliverTime: undefined };
  await client.shipOrder({ ...change, shipment: parcel });
  await workAlone(place);
  const lines = [{ lineNumber: 1, quantity }];
  present((await client.requestReturn({ ...change, lines, reason: "" })).order);
}

async function workToDo(): Promise<void> {
  while ((await sagasLeft(database)).length === 0) await new Promise(setImmediate);
}

/** Works again and again until the call has its answer. */
async function during(call: Promise<unknown>, work: () => Promise<void>): Promise<void> {
  let answered = false;
  const answer = call.finally(() => {
    answered = true;
  });
  do await work();
  while (!answered);
  await answer;
}
