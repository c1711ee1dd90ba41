// A reader of a stream of orders who is cut off and goes on with the last token, again and again.

import { setTimeout as sleep } from "node:timers/promises";
import { type FollowedStream, NEW, type SeenChange } from "#harness/check/streams-complete.ts";
import { RpcFailure } from "#harness/rpc/rpc-failure.ts";
import { type ShopCallers, shopCallers } from "#harness/shop/shop-callers.ts";
import { OrderStatus } from "#proto/ecommerce/v1/order.ts";
import type { OrderEvent, TrackOrderResponse } from "#proto/ecommerce/v1/order_service.ts";
import { orderStatusName } from "./read-books.ts";
import type { Reconnecting } from "./reconnecting.ts";

export interface FollowOptions {
  readonly connection: Reconnecting;
  readonly token: string;
  /** Undefined: all orders. */
  readonly orderId?: string;
  /** For evidence. Default: the stream of all orders. */
  readonly name?: string;
  /** Of the run. */
  readonly signal: AbortSignal;
}

export interface Follower {
  /** As far as it has come. */
  readonly stream: FollowedStream;
  /** Resolves when no later change can be missed. */
  readonly begun: Promise<void>;
  /** Rejects with what a follower did not expect, such as a stream that cannot be resumed. */
  stop(): Promise<void>;
}

const HEARTBEAT = { seconds: 1n, nanos: 0 };
/** Without a heartbeat for so long a stream is taken for dead. */
const SILENCE_MS = 5_000;
const RETRY_MS = 100;
const WHOLE_RUN_MS = 24 * 3_600_000;

export function followOrders(options: FollowOptions): Follower {
  const { connection, token, orderId, name = "the stream of all orders", signal } = options;
  const changes: SeenChange[] = [];
  const stopping = new AbortController();
  const over = AbortSignal.any([signal, stopping.signal]);
  const begun = Promise.withResolvers<void>();
  let resumed = 0;
  const follow = async (): Promise<void> => {
    for (let resumeToken = ""; !over.aborted; ) {
      const current = await connection.get(over);
      const silence = new AbortController();
      const watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
      const callers = shopCallers(current, token, AbortSignal.any([over, silence.signal]), WHOLE_RUN_MS);
      try {
        for await (const message of open(callers, orderId, resumeToken)) {
          watchdog.refresh();
          if (message.event?.$case === "update") changes.push(changeOf(message.event.value));
          resumeToken = message.resumeToken;
          begun.resolve();
        }
        return;
      } catch (error) {
        if (over.aborted) return;
        // Refused for good: its token is of no use, or the order is not there.
        if (!(error instanceof RpcFailure && (error.outcomeUnknown || error.failure !== undefined)))
          throw error;
        if (silence.signal.aborted) connection.discard(current);
      } finally {
        clearTimeout(watchdog);
      }
      resumed++;
      await sleep(RETRY_MS);
    }
  };
  const ended = follow().catch((error: unknown) => {
    if (over.aborted) return;
    throw error;
  });
  // Whoever waits for it, or stops it, is told.
  ended.catch((error: unknown) => begun.reject(error));
  begun.promise.catch(() => {});
  return {
    get stream() {
      return { name, orderId, changes, resumed };
    },
    begun: begun.promise,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

function open(
  { orders }: ShopCallers,
  orderId: string | undefined,
  resumeToken: string,
): AsyncIterable<TrackOrderResponse> {
  if (orderId !== undefined) {
    return orders.trackOrder({ orderId, resumeToken, heartbeatInterval: HEARTBEAT });
  }
  const all = { userId: "", orderIds: [], statuses: [], resumeToken, heartbeatInterval: HEARTBEAT };
  return orders.watchOrders(all);
}

function changeOf({ order, previousStatus, snapshot }: OrderEvent): SeenChange {
  if (order === undefined) throw new TypeError("a change without its order");
  const isNew = previousStatus === OrderStatus.ORDER_STATUS_UNSPECIFIED;
  return {
    orderId: order.orderId,
    etag: order.etag,
    previousStatus: isNew ? NEW : orderStatusName(previousStatus),
    status: orderStatusName(order.status),
    snapshot,
  };
}
