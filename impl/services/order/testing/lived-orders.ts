// Orders that live through steps in the real service, with nobody working at their sagas but when a step says so.

import { isDeepStrictEqual } from "node:util";
import { CallError } from "#impl/client/call-error.ts";
import { present } from "#impl/client/testing/answers.ts";
import { newId } from "#impl/runtime/ids.ts";
import { Code } from "#impl/runtime/status.ts";
import { ChargeKind, type Order, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import {
  CancelOrderRequest,
  type CreateOrderRequest,
  DeliverOrderRequest,
  ReceiveReturnRequest,
  RefundOrderRequest,
  RequestReturnRequest,
  ShipOrderRequest,
} from "#proto/ecommerce/v1/order_service.ts";
import { type FollowedOrder, followOrder } from "./followed-order.ts";
import { workAlone } from "./lone-worker.ts";
import type { Outcome } from "./model-order.ts";
import { type Mortal, mortal } from "./mortal.ts";
import { draft, get, type OrderFixture, pence } from "./order-fixture.ts";
import { CARDS, type CreateStep, type OrderStep } from "./order-steps.ts";

/** An answer that differs from the first one to the same request. */
const ANOTHER_ANSWER = "ANOTHER_ANSWER";

const CODES: Readonly<Record<string, Code>> = {
  ORDER_STATUS: Code.FAILED_PRECONDITION,
  LINE_QUANTITY: Code.FAILED_PRECONDITION,
  REFUND_EXCEEDS_CAPTURED: Code.FAILED_PRECONDITION,
  PROVIDER_REFUSED: Code.FAILED_PRECONDITION,
  REFUND_AMOUNT_DIFFERS: Code.ABORTED,
  ETAG_MISMATCH: Code.ABORTED,
  REQUEST_ID_REUSED: Code.ALREADY_EXISTS,
  INVALID_REQUEST: Code.INVALID_ARGUMENT,
};

interface LivedOrder {
  readonly orderId: string;
  readonly request: CreateOrderRequest;
  readonly answer: unknown;
  readonly followed: FollowedOrder;
  refund: { readonly request: RefundOrderRequest; readonly answer: unknown } | undefined;
}

export class LivedOrders {
  readonly lived: LivedOrder[] = [];
  readonly #fixture: OrderFixture;
  readonly #lives: Mortal[] = [];

  constructor(fixture: OrderFixture) {
    this.#fixture = fixture;
  }

  /** The reason of a refusal, once its code is the one that belongs to it. Whatever else fails is thrown. */
  async take(step: OrderStep): Promise<Outcome> {
    try {
      return await this.#take(step);
    } catch (error) {
      if (!(error instanceof CallError) || CODES[error.reason] !== error.code) throw error;
      return error.reason;
    }
  }

  async orders(): Promise<Order[]> {
    return await Promise.all(this.lived.map(({ orderId }) => get(this.#fixture, orderId)));
  }

  /** Until no saga is left, also after what dead workers had sent has arrived. */
  async workToTheEnd(): Promise<void> {
    await this.#work();
    for (const life of this.#lives) await life.deliver();
    await this.#work();
  }

  async #take(step: OrderStep): Promise<Outcome> {
    if (step.do === "create") return await this.#create(step);
    if (step.do === "work") return await this.#work(step.until);
    const { client } = this.#fixture;
    const order = present(this.lived[step.order % this.lived.length]);
    if (step.do === "cut") {
      await order.followed.cut();
      return "ok";
    }
    if (step.do === "create again") {
      const reference = step.changed ? "another" : "";
      const again = { ...order.request, order: { ...present(order.request.order), reference } };
      return sameAnswer(await client.createOrder(again), order.answer);
    }
    if (step.do === "refund again") {
      const { request, answer } = present(order.refund);
      const reason = step.changed ? "another" : "";
      return sameAnswer(await client.refundOrder({ ...request, reason }), answer);
    }
    const named = { orderId: order.orderId, etag: step.stale ? "stale" : "" };
    switch (step.do) {
      case "cancel":
        await this.#cancel(CancelOrderRequest.fromPartial(named));
        break;
      case "ship":
        await client.shipOrder(ShipOrderRequest.fromPartial({ ...named, shipment: { carrier: "mail" } }));
        break;
      case "deliver":
        await client.deliverOrder(DeliverOrderRequest.fromPartial(named));
        break;
      case "ask back":
        await client.requestReturn(RequestReturnRequest.fromPartial({ ...named, lines: [lineOf(step)] }));
        break;
      case "take back": {
        const lines = [{ ...lineOf(step), restock: step.restock }];
        await client.receiveReturn(ReceiveReturnRequest.fromPartial({ ...named, lines }));
        break;
      }
      case "refund": {
        const lines = [
          {
            ...lineOf(step),
            restock: step.restock,
            amount: step.amount === undefined ? undefined : pence(BigInt(step.amount)),
            expectedAmount: step.surprised ? pence(100_000_000n) : undefined,
          },
        ];
        await this.#refund(order, RefundOrderRequest.fromPartial({ ...named, lines, requestId: newId() }));
      }
    }
    return "ok";
  }

  async #create({ lines, shipping, card }: CreateStep): Promise<Outcome> {
    const { shop, client } = this.#fixture;
    const wishes = await Promise.all(
      lines.map(async ({ quantity, price, short }) => ({
        productId: await shop.product(BigInt(quantity) - (short ? 1n : 0n), BigInt(price)),
        quantity: BigInt(quantity),
      })),
    );
    const amount = pence(BigInt(shipping));
    const items = [{ kind: ChargeKind.CHARGE_KIND_SHIPPING, label: "Carriage", amount }];
    const paymentMethodToken = await shop.token(CARDS[card]);
    const order = await draft(shop, wishes, { charges: { items }, paymentMethodToken });
    const request = { order, requestId: newId(), wait: undefined };
    const answer = await client.createOrder(request);
    const { orderId } = present(answer.order);
    const followed = await followOrder(client, orderId);
    this.lived.push({ orderId, request, answer, followed, refund: undefined });
    return "ok";
  }

  async #work(until = 0): Promise<Outcome> {
    const life = mortal(until);
    this.#lives.push(life);
    const { shop, database, process } = this.#fixture;
    await workAlone({ shop, database, events: process.events }, life);
    return "ok";
  }

  async #cancel(request: CancelOrderRequest): Promise<void> {
    const begun = async (): Promise<boolean> => {
      const { status } = await get(this.#fixture, request.orderId);
      // Where the money is being taken, it waits for that.
      return status === OrderStatus.ORDER_STATUS_CANCELLING || status === OrderStatus.ORDER_STATUS_CAPTURING;
    };
    await this.#worked(this.#fixture.client.cancelOrder(request), begun);
  }

  async #refund(order: LivedOrder, request: RefundOrderRequest): Promise<void> {
    const answering = this.#fixture.client.refundOrder(request);
    const begun = async (): Promise<boolean> =>
      (await get(this.#fixture, order.orderId)).status === OrderStatus.ORDER_STATUS_REFUNDING;
    try {
      order.refund = { request, answer: await this.#worked(answering, begun) };
    } catch (error) {
      const refused = error instanceof CallError && error.reason === "PROVIDER_REFUSED";
      if (refused) order.refund = { request, answer: undefined };
      throw error;
    }
  }

  /** The answer to a call that leaves work to do once it has begun, or is refused before. */
  async #worked<T>(call: Promise<T>, begun: () => Promise<boolean>): Promise<T> {
    let answered = false;
    const answer = call.finally(() => {
      answered = true;
    });
    answer.catch(() => undefined);
    while (!answered && !(await begun()));
    while (!answered) await this.#work();
    return await answer;
  }
}

function lineOf({ line, quantity }: { readonly line: number; readonly quantity: number }) {
  return { lineNumber: line, quantity: BigInt(quantity) };
}

function sameAnswer(answer: unknown, first: unknown): Outcome {
  return isDeepStrictEqual(answer, first) ? "ok" : ANOTHER_ANSWER;
}
