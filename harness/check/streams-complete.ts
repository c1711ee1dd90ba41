// Streams of orders that were followed over faults, resumed with their tokens: every change of every order once, in order, up to the last.

import type { Books, OrderBook } from "./books.ts";
import { judge, judged, type Verdict } from "./verdict.ts";

/** One message of a stream about one order. */
export interface SeenChange {
  readonly orderId: string;
  /** Names the version of the order: no two are alike. */
  readonly etag: string;
  /** NEW for a new order. */
  readonly previousStatus: string;
  readonly status: string;
  /** The order as it stood when the stream began. */
  readonly snapshot: boolean;
}

export interface FollowedStream {
  readonly name: string;
  /** The only order it is about; undefined: all that were made while it was open. */
  readonly orderId: string | undefined;
  /** As they came. */
  readonly changes: readonly SeenChange[];
  /** How often it was cut and went on. */
  readonly resumed: number;
}

export const NEW = "NEW";

const CLAIM =
  "a stream of orders tells every change once and in order, however often it was cut and resumed, and has told the last";

export function streamsComplete(streams: readonly FollowedStream[], { orders }: Books): Verdict {
  return judged(CLAIM, () => {
    const whole = streams.find(({ orderId }) => orderId === undefined);
    const reference = whole === undefined ? undefined : byOrder(whole);
    const contradictions = streams.flatMap((stream) => {
      const followed = byOrder(stream);
      return orders
        .filter(({ orderId }) => stream.orderId === undefined || stream.orderId === orderId)
        .flatMap((order) =>
          ofOrder(order, followed.get(order.orderId) ?? [], reference?.get(order.orderId)).map(
            (what) => `${stream.name}, resumed ${stream.resumed} times: order ${order.orderId} ${what}`,
          ),
        );
    });
    const changes = streams.reduce((sum, stream) => sum + stream.changes.length, 0);
    return judge(CLAIM, changes, contradictions);
  });
}

function byOrder({ changes }: FollowedStream): Map<string, SeenChange[]> {
  return Map.groupBy(changes, ({ orderId }) => orderId);
}

/** One sentence at most: what follows from it would only repeat it. `whole`: as the stream of all orders told it. */
function ofOrder(
  { etag, status }: OrderBook,
  changes: readonly SeenChange[],
  whole: readonly SeenChange[] | undefined,
): string[] {
  const [first] = changes;
  const last = changes.at(-1);
  if (first === undefined || last === undefined) return ["was never told"];
  const etags = changes.map((change) => change.etag);
  if (new Set(etags).size < etags.length) return [`was told twice: ${path(changes)}`];
  if (!first.snapshot && first.previousStatus !== NEW) return [`begins in the middle: ${path(changes)}`];
  const gap = changes.find(
    (change, i) => i > 0 && (change.snapshot || change.previousStatus !== changes[i - 1]?.status),
  );
  if (gap !== undefined) return [`has a gap before ${gap.status}: ${path(changes)}`];
  if (last.etag !== etag) return [`ends with ${last.status}, and is ${status}: ${path(changes)}`];
  const rest = whole?.slice(whole.findIndex((change) => change.etag === first.etag)) ?? changes;
  const same = rest.length === changes.length && rest.every((change, i) => change.etag === etags[i]);
  return same ? [] : [`is told otherwise than by the stream of all orders: ${path(changes)} / ${path(rest)}`];
}

function path(changes: readonly SeenChange[]): string {
  return changes
    .map(({ previousStatus, status, snapshot }) => (snapshot ? `[${status}]` : `${previousStatus}>${status}`))
    .join(" ");
}
