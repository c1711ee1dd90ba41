// Customers who order while the system fails: each buys, sometimes changes its mind, sometimes wants its money back, and sends the same
// request again until it knows the outcome or gives up. What they saw is the history.

import { setTimeout as sleep } from "node:timers/promises";
import { v7 as uuidV7 } from "uuid";
import type { EffectAttempt, OrderAttempt } from "#harness/check/history.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import { UNDER_WAY } from "#harness/shop/await-processing.ts";
import { NewOrder, OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { RefundOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { type Asking, type Outcome, untilKnown } from "./known-outcome.ts";
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
  /** How long most customers try before they give up: the longest that a system may be away. Default 60 s. */
  readonly patienceMs?: number;
  /** Told of each order that was acknowledged. */
  readonly onOrder?: (orderId: string) => void;
  /** Of the run: it ends every customer at once. */
  readonly signal: AbortSignal;
}

export interface OrderLoad {
  readonly history: readonly OrderAttempt[];
  /** Orders that were cancelled and refunded. */
  readonly regrets: readonly EffectAttempt[];
  /** Lets every customer finish what it has begun, or give up. Rejects with the run's reason, or with what a customer did not expect. */
  stop(): Promise<void>;
}

const LONGEST_THINKING_MS = 50;
const LOOK_AGAIN_MS = 100;
const PATIENCE_MS = 60_000;
/** Of customers who do not wait for a system that is away: what they sent is unknown for ever. */
const IMPATIENT_SHARE = 0.25;
const IMPATIENCE_MS = 250;
const MOST_LINES = 3;
const MOST_UNITS = 3;
/** Of orders that were taken. */
const CANCELLED_SHARE = 0.15;
const REFUNDED_SHARE = 0.15;

export function startOrderLoad(options: OrderLoadOptions): OrderLoad {
  const seen: Seen = { history: [], regrets: [] };
  const stopping = new AbortController();
  const customers = Promise.all(
    Array.from({ length: options.customers }, (_, i) =>
      customer(options, options.random.fork(`customer ${i}`), seen, stopping.signal),
    ),
  );
  // Whoever stops the load is told; until then nobody asks.
  customers.catch(() => {});
  return {
    ...seen,
    async stop() {
      stopping.abort();
      await customers;
    },
  };
}

interface Seen {
  readonly history: OrderAttempt[];
  readonly regrets: EffectAttempt[];
}

async function customer(
  options: OrderLoadOptions,
  random: SeededRandom,
  { history, regrets }: Seen,
  stopping: AbortSignal,
): Promise<void> {
  const { connection, token, signal, cards, patienceMs = PATIENCE_MS } = options;
  while (!stopping.aborted) {
    const cart = fillCart(options.productIds, random);
    const card = cards[random.below(cards.length)] ?? "";
    const patience = random.next() < IMPATIENT_SHARE ? IMPATIENCE_MS : patienceMs;
    const asking = { connection, token, signal, patienceMs: patience };
    const attempt = await buy(asking, cart, card);
    history.push(attempt);
    if (attempt.orderId !== undefined) {
      options.onOrder?.(attempt.orderId);
      const regretted = await regret(asking, attempt.orderId, random);
      if (regretted !== undefined) regrets.push(regretted);
    }
    await sleep(random.next() * LONGEST_THINKING_MS, undefined, { signal });
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

async function buy(asking: Asking, units: Cart, card: string): Promise<OrderAttempt> {
  const requestId = uuidV7();
  const method = await untilKnown(asking, ({ payments }) =>
    payments.createPaymentMethod({
      card: { cardNumber: card, expiryMonth: 12, expiryYear: 2099, cvc: "123", holderName: "A Customer" },
      requestId: "",
    }),
  );
  // Without a token there is no order to send.
  if (method.outcome !== "ok") return { requestId, outcome: "fail", orderId: undefined, units };
  const order = NewOrder.create({
    guest: { email: "", fullName: "" },
    lines: [...units].map(([productId, quantity]) => ({ productId, quantity, unitPrice: undefined })),
    paymentMethodToken: method.answer.paymentMethodToken,
    charges: { items: [] },
  });
  const created = await untilKnown(asking, ({ orders }) =>
    orders.createOrder({ order, requestId, wait: undefined }),
  );
  const orderId = created.outcome === "ok" ? created.answer.order?.orderId : undefined;
  return { requestId, outcome: created.outcome, orderId, units };
}

/** Most keep what they bought. What is refused, because of the order's state, is an answer like another. */
async function regret(
  asking: Asking,
  orderId: string,
  random: SeededRandom,
): Promise<EffectAttempt | undefined> {
  const mood = random.next();
  const requestId = uuidV7();
  if (mood < CANCELLED_SHARE) {
    const { outcome } = await untilKnown(asking, ({ orders }) =>
      orders.cancelOrder({ orderId, reason: "changed my mind", etag: "", requestId }),
    );
    return { kind: "cancel", requestId, orderId, outcome };
  }
  if (mood < CANCELLED_SHARE + REFUNDED_SHARE && (await wasPaid(asking, orderId))) {
    const lines = [
      { lineNumber: 1, quantity: 1n, amount: undefined, expectedAmount: undefined, restock: true },
    ];
    const refunded = await untilKnown(asking, ({ orders }) =>
      orders.refundOrder({ orderId, lines, reason: "broken", etag: "", requestId }),
    );
    return { kind: "refund", requestId, orderId, outcome: outcomeOf(refunded) };
  }
  return undefined;
}

/** A refund that was taken is not made yet: the provider may still refuse it. */
function outcomeOf(refunded: Outcome<RefundOrderResponse>): EffectAttempt["outcome"] {
  if (refunded.outcome !== "ok") return refunded.outcome;
  return refunded.answer.order?.status === OrderStatus.ORDER_STATUS_REFUNDING ? "unknown" : "ok";
}

/** Waits until the order has been processed, or the customer gives up; whether it went through, as far as is known. */
async function wasPaid(asking: Asking, orderId: string): Promise<boolean> {
  for (;;) {
    const found = await untilKnown(asking, ({ orders }) => orders.getOrder({ orderId }));
    if (found.outcome !== "ok" || found.answer.order === undefined) return false;
    const { status } = found.answer.order;
    if (!UNDER_WAY.includes(status)) return status === OrderStatus.ORDER_STATUS_PROCESSING;
    await sleep(LOOK_AGAIN_MS, undefined, { signal: asking.signal });
  }
}
