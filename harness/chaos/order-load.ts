// Customers who order while the system fails: each buys, sometimes changes its mind, sometimes wants its money back, and sends the same
// request again until it knows the outcome. What they saw is the history.

import { setTimeout as sleep } from "node:timers/promises";
import { v7 as uuidV7 } from "uuid";
import type { OrderAttempt } from "#harness/check/history.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { RpcFailure } from "#harness/rpc/rpc-failure.ts";
import { UNDER_WAY } from "#harness/shop/await-processing.ts";
import { type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import { NewOrder, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { Reconnecting } from "./reconnecting.ts";

export interface OrderLoadOptions {
  readonly connection: Reconnecting;
  readonly token: string;
  /** What can be bought. */
  readonly productIds: readonly string[];
  /** Cards that customers pay with, chosen at random. */
  readonly cards: readonly string[];
  readonly customers: number;
  readonly random: SeededRandom;
}

export interface OrderLoad {
  readonly history: readonly OrderAttempt[];
  /** Lets every customer finish what it has begun. */
  stop(): Promise<void>;
}

const LONGEST_THINKING_MS = 50;
const RETRY_MS = 100;
const CALL_TIMEOUT_MS = 5_000;
const MOST_LINES = 3;
const MOST_UNITS = 3;
/** Of orders that were taken. */
const CANCELLED_SHARE = 0.15;
const REFUNDED_SHARE = 0.15;

export function startOrderLoad(options: OrderLoadOptions): OrderLoad {
  const history: OrderAttempt[] = [];
  const stopping = new AbortController();
  const customers = Array.from({ length: options.customers }, (_, i) =>
    customer(options, options.random.fork(`customer ${i}`), history, stopping.signal),
  );
  return {
    history,
    async stop() {
      stopping.abort();
      await Promise.all(customers);
    },
  };
}

async function customer(
  options: OrderLoadOptions,
  random: SeededRandom,
  history: OrderAttempt[],
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const cart = fillCart(options.productIds, random);
    const card = options.cards[random.below(options.cards.length)] ?? "";
    const attempt = await buy(options, cart, card);
    history.push(attempt);
    if (attempt.orderId !== undefined) await regret(options, attempt.orderId, random);
    await sleep(random.next() * LONGEST_THINKING_MS);
  }
}

type Cart = ReadonlyMap<string, bigint>;

function fillCart(productIds: readonly string[], random: SeededRandom): Cart {
  const cart = new Map<string, bigint>();
  for (let line = random.below(MOST_LINES); line >= 0; line--) {
    cart.set(productIds[random.below(productIds.length)] ?? "", BigInt(1 + random.below(MOST_UNITS)));
  }
  return cart;
}

async function buy(options: OrderLoadOptions, units: Cart, card: string): Promise<OrderAttempt> {
  const requestId = uuidV7();
  try {
    const token = await untilKnown(options, ({ payments }) =>
      payments.createPaymentMethod({
        card: { cardNumber: card, expiryMonth: 12, expiryYear: 2099, cvc: "123", holderName: "A Customer" },
        requestId: "",
      }),
    );
    const order = NewOrder.create({
      guest: { email: "", fullName: "" },
      lines: [...units].map(([productId, quantity]) => ({ productId, quantity, unitPrice: undefined })),
      paymentMethodToken: token.paymentMethodToken,
      charges: { items: [] },
    });
    const created = await untilKnown(options, ({ orders }) =>
      orders.createOrder({ order, requestId, wait: undefined }),
    );
    return { requestId, outcome: "ok", orderId: created.order?.orderId, units };
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
    return { requestId, outcome: "fail", orderId: undefined, units };
  }
}

/** What is refused here, because of the order's state, is an answer like another. */
async function regret(options: OrderLoadOptions, orderId: string, random: SeededRandom): Promise<void> {
  const mood = random.next();
  const requestId = uuidV7();
  try {
    if (mood < CANCELLED_SHARE) {
      await untilKnown(options, ({ orders }) =>
        orders.cancelOrder({ orderId, reason: "changed my mind", etag: "", requestId }),
      );
    } else if (mood < CANCELLED_SHARE + REFUNDED_SHARE) {
      if (!(await wasPaid(options, orderId))) return;
      const lines = [
        { lineNumber: 1, quantity: 1n, amount: undefined, expectedAmount: undefined, restock: true },
      ];
      await untilKnown(options, ({ orders }) =>
        orders.refundOrder({ orderId, lines, reason: "broken", etag: "", requestId }),
      );
    }
  } catch (error) {
    if (!(error instanceof RpcFailure)) throw error;
  }
}

/** Waits until the order has been processed; whether it went through. */
async function wasPaid(options: OrderLoadOptions, orderId: string): Promise<boolean> {
  for (;;) {
    const { order } = await untilKnown(options, ({ orders }) => orders.getOrder({ orderId }));
    if (order === undefined || !UNDER_WAY.includes(order.status)) {
      return order?.status === OrderStatus.ORDER_STATUS_PROCESSING;
    }
    await sleep(RETRY_MS);
  }
}

/** Sends the same request until its outcome is known. The system comes back, or the run as a whole is over. */
async function untilKnown<T>(
  { connection, token }: OrderLoadOptions,
  call: (callers: ShopCallers) => Promise<T>,
): Promise<T> {
  const patience = new AbortController().signal;
  for (;;) {
    const callers = shopCallers(await connection.get(patience), token, patience, CALL_TIMEOUT_MS);
    try {
      return await call(callers);
    } catch (error) {
      if (!(error instanceof RpcFailure) || !(error.outcomeUnknown || error.failure === "not-processed"))
        throw error;
    }
    await sleep(RETRY_MS);
  }
}
