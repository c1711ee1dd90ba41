// Money: what was taken is what the orders that went through cost, less what was given back; nobody was charged twice.

import { type Books, FULFILLED, type OrderBook, type ProviderBook, UNDONE } from "./books.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

const CLAIM =
  "captured = fulfilled + refunded, for every order and at the provider too, and nobody is charged twice";

export function moneyAddsUp(books: Books): Verdict {
  return judged(CLAIM, () => {
    const byOrder = Map.groupBy(books.payments, ({ orderId }) => orderId);
    const provider = new Map(books.provider.map((book) => [book.orderId, book]));
    const contradictions = books.orders.flatMap((order) => {
      const payments = byOrder.get(order.orderId) ?? [];
      const captured = payments.reduce((sum, payment) => sum + payment.captured, 0n);
      const refunded = payments.reduce((sum, payment) => sum + payment.refunded, 0n);
      return [
        ...ofOrder(order),
        ...differs(order, "captured", order.captured, captured, "payments"),
        ...differs(order, "refunded", order.refunded, refunded, "payments"),
        ...atProvider(order, provider.get(order.orderId)),
      ];
    });
    const known = new Set(books.orders.map(({ orderId }) => orderId));
    const strangers = [...byOrder.keys(), ...provider.keys()].filter((orderId) => !known.has(orderId));
    const unknown = [...new Set(strangers)].map((orderId) => `order ${orderId} was paid for and is no order`);
    return judge(CLAIM, books.orders.length, [...contradictions, ...unknown]);
  });
}

function ofOrder(order: OrderBook): string[] {
  const { orderId, status, total, captured, refunded } = order;
  if (FULFILLED.has(status) && captured !== total) {
    return [`order ${orderId} is ${status}: captured ${captured} of ${total}`];
  }
  if (UNDONE.has(status) && captured !== refunded) {
    return [`order ${orderId} is ${status}: captured ${captured}, given back ${refunded}`];
  }
  return refunded > captured ? [`order ${orderId}: given back ${refunded} of ${captured}`] : [];
}

function atProvider(order: OrderBook, book: ProviderBook | undefined): string[] {
  const { captures = 0, captured = 0n, refunded = 0n, open = 0n } = book ?? {};
  return [
    ...differs(order, "captured", order.captured, captured, "the provider"),
    ...differs(order, "refunded", order.refunded, refunded, "the provider"),
    ...(captures > 1 ? [`order ${order.orderId} was captured ${captures} times at the provider`] : []),
    ...(open > 0n
      ? [`order ${order.orderId} is ${order.status}: ${open} is still authorized at the provider`]
      : []),
  ];
}

function differs(order: OrderBook, what: string, one: bigint, other: bigint, where: string): string[] {
  if (one === other) return [];
  return [`order ${order.orderId} is ${order.status}: ${what} ${one}, at ${where} ${other}`];
}
