// What all checkers say of a run, once the shop has come to rest.

import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Books } from "#harness/check/books.ts";
import { effectsOnce } from "#harness/check/effects-once.ts";
import type { OrderAttempt } from "#harness/check/history.ts";
import { moneyAddsUp } from "#harness/check/money-adds-up.ts";
import { ordersSurvive, sagasEnd } from "#harness/check/orders-survive.ts";
import { stockAddsUp } from "#harness/check/stock-adds-up.ts";
import { stockIsLinearizable } from "#harness/check/stock-counter.ts";
import { streamsComplete } from "#harness/check/streams-complete.ts";
import type { Verdict } from "#harness/check/verdict.ts";
import type { Seen } from "./chaos-load.ts";

export interface Judgement {
  readonly verdicts: readonly Verdict[];
  readonly attempts: { readonly ok: number; readonly fail: number; readonly unknown: number };
  /** Of the orders that are there, by status. */
  readonly statuses: Readonly<Record<string, number>>;
}

const LOOK_AGAIN_MS = 250;
/**
 * After so long without any change of the books nothing will change any more, and what does not add up never will. A saga that failed
 * waits before it tries again, up to 30 s, and one whose process died waits for its lease, 10 s: twice the first covers both.
 */
const SETTLED_AFTER_MS = 60_000;

/**
 * Refunds, goods on their way back into stock, and events on their way to a reader may still be under way: what does not add up is
 * looked at again until it does, or until nothing has changed for `settledAfterMs`.
 */
export async function judgementAtRest(
  seen: () => Seen,
  read: () => Promise<Books>,
  signal: AbortSignal,
  settledAfterMs = SETTLED_AFTER_MS,
): Promise<Judgement> {
  // Nobody works at the counters any more.
  const counters = stockIsLinearizable(seen().stock);
  let last: Judgement | undefined;
  for (let moved = performance.now(); ; await sleep(LOOK_AGAIN_MS, undefined, { signal })) {
    const now = judgement(seen(), await read(), counters);
    const open = now.verdicts.filter((verdict) => verdict !== counters);
    // What could not be checked will not be checked later either.
    if (open.every(({ outcome }) => outcome !== "fail")) return now;
    if (!isDeepStrictEqual(now, last)) moved = performance.now();
    else if (performance.now() - moved > settledAfterMs) return now;
    last = now;
  }
}

function judgement({ orders, regrets, streams }: Seen, books: Books, counters: Verdict): Judgement {
  const count = (outcome: OrderAttempt["outcome"]): number =>
    orders.filter((attempt) => attempt.outcome === outcome).length;
  const statuses: Record<string, number> = {};
  for (const { status } of books.orders) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    verdicts: [
      ordersSurvive(orders, books),
      effectsOnce(regrets, books),
      sagasEnd(books),
      stockAddsUp(books),
      counters,
      moneyAddsUp(books),
      streamsComplete(streams, books),
    ],
    attempts: { ok: count("ok"), fail: count("fail"), unknown: count("unknown") },
    statuses,
  };
}
