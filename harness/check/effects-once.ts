// What was asked for after an order was made has its effect once, however often it was sent: what was acknowledged is done, what was
// refused is not, and nothing was done that nobody asked for.

import { type Books, FULFILLED, type OrderBook } from "./books.ts";
import type { EffectAttempt } from "./history.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

const CLAIM =
  "an acknowledged cancellation or refund is done once, a refused one is not, and none was done that nobody asked for";

export function effectsOnce(attempts: readonly EffectAttempt[], { orders }: Books): Verdict {
  return judged(CLAIM, () => {
    const asked = Map.groupBy(attempts, ({ orderId }) => orderId);
    const known = new Set(orders.map(({ orderId }) => orderId));
    const strangers = [...asked.keys()]
      .filter((orderId) => !known.has(orderId))
      .map((orderId) => `order ${orderId} was to be undone and is not there`);
    const contradictions = orders.flatMap((order) => ofOrder(order, asked.get(order.orderId) ?? []));
    return judge(CLAIM, attempts.length, [...contradictions, ...strangers]);
  });
}

function ofOrder(order: OrderBook, attempts: readonly EffectAttempt[]): string[] {
  const count = (kind: EffectAttempt["kind"], outcome: EffectAttempt["outcome"]): number =>
    attempts.filter((attempt) => attempt.kind === kind && attempt.outcome === outcome).length;
  const { orderId, status } = order;
  const isCancelled = status === "CANCELLED";
  const cancelled = { least: Math.min(1, count("cancel", "ok")), doubtful: count("cancel", "unknown") };
  if (cancelled.least === 1 && !isCancelled) return [`order ${orderId} was cancelled and is ${status}`];
  if (isCancelled && cancelled.least + cancelled.doubtful === 0) {
    return [`order ${orderId} is CANCELLED, and nobody's cancellation was taken`];
  }
  if (!FULFILLED.has(status)) return [];
  const units = [...order.restocked.values()].reduce((sum, restocked) => sum + restocked, 0n);
  const [done, doubtful] = [count("refund", "ok"), count("refund", "unknown")];
  if (units >= BigInt(done) && units <= BigInt(done + doubtful)) return [];
  return [
    `order ${orderId}: ${units} units were refunded; ${done} refunds were acknowledged, ${doubtful} are in doubt`,
  ];
}
