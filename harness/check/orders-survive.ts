// Orders: what was acknowledged is there, once, and has come to an end.

import { type Books, FULFILLED, type OrderBook, UNDONE } from "./books.ts";
import type { OrderAttempt } from "./history.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

const SURVIVE =
  "every acknowledged order is there as it was asked for, one request id made at most one, and none came from nowhere";

export function ordersSurvive(history: readonly OrderAttempt[], { orders }: Books): Verdict {
  return judged(SURVIVE, () => {
    const byRequest = Map.groupBy(orders, ({ requestId }) => requestId);
    const asked = new Set(history.map(({ requestId }) => requestId));
    const contradictions = history.flatMap((attempt) =>
      ofAttempt(attempt, byRequest.get(attempt.requestId) ?? []),
    );
    const strangers = orders
      .filter(({ requestId }) => !asked.has(requestId))
      .map(({ orderId, requestId }) => `order ${orderId}: nobody sent request ${requestId}`);
    return judge(SURVIVE, history.length, [...contradictions, ...strangers]);
  });
}

function ofAttempt(
  { requestId, outcome, orderId, units }: OrderAttempt,
  found: readonly OrderBook[],
): string[] {
  const [order] = found;
  if (found.length > 1) return [`request ${requestId} made ${found.length} orders`];
  if (outcome === "fail") {
    return order === undefined ? [] : [`request ${requestId} was refused, and made ${order.orderId}`];
  }
  if (outcome === "unknown" && order === undefined) return [];
  if (outcome === "ok" && order?.orderId !== orderId)
    return [`request ${requestId} was answered with ${orderId}, which is not there`];
  return sameUnits(order?.units, units) ? [] : [`order ${order?.orderId} has not the units it was asked for`];
}

function sameUnits(
  one: ReadonlyMap<string, bigint> | undefined,
  other: ReadonlyMap<string, bigint>,
): boolean {
  return one?.size === other.size && [...other].every(([productId, count]) => one.get(productId) === count);
}

const ENDED = "every order has come to an end, and no payment is in doubt";

export function sagasEnd({ orders, payments }: Books): Verdict {
  return judged(ENDED, () => {
    const open = orders
      .filter(({ status }) => !FULFILLED.has(status) && !UNDONE.has(status))
      .map(({ orderId, status }) => `order ${orderId} is still ${status}`);
    const doubtful = payments
      .filter(({ pending }) => pending)
      .map(({ paymentId }) => `payment ${paymentId} has an attempt without outcome`);
    return judge(ENDED, orders.length, [...open, ...doubtful]);
  });
}
