// Everyone who uses the shop in a run: customers, clerks at the stock counters, and readers of the streams of orders. Each kind has a
// connection of its own. What they saw is what the checkers judge.

import { v7 as uuidV7 } from "uuid";
import type { EffectAttempt, OrderAttempt } from "#harness/check/history.ts";
import type { StockOperation } from "#harness/check/stock-counter.ts";
import type { FollowedStream } from "#harness/check/streams-complete.ts";
import type { SeededRandom } from "#harness/random/seeded-random.ts";
import type { Address } from "#harness/sut/start-system.ts";
import { type Follower, followOrders } from "./follow-orders.ts";
import { startOrderLoad } from "./order-load.ts";
import { type Reconnecting, reconnecting } from "./reconnecting.ts";
import { startStockLoad } from "./stock-load.ts";

export interface ChaosLoadOptions {
  /** Where all of them call, but one reader. */
  readonly address: Address;
  /** To the shop itself: for the reader whom nothing between disturbs. */
  readonly behind: Reconnecting;
  readonly token: string;
  readonly productIds: readonly string[];
  readonly random: SeededRandom;
  readonly customers: number;
  readonly cards: readonly string[];
  readonly signal: AbortSignal;
}

export interface Seen {
  readonly orders: readonly OrderAttempt[];
  readonly regrets: readonly EffectAttempt[];
  readonly stock: readonly StockOperation[];
  readonly streams: readonly FollowedStream[];
}

export interface ChaosLoad {
  /** Until now. */
  seen(): Seen;
  /** Lets everyone who changes something finish, or give up; readers go on. */
  stop(): Promise<void>;
  /** Ends the readers too. Rejects with what one of them did not expect. */
  close(): Promise<void>;
}

const CLERKS = 4;
/** Few, so that clerks meet. */
const COUNTERS = 3;
/** Orders that have a reader of their own. */
const MOST_TRACKED = 20;

/** Resolves when the readers miss nothing any more. */
export async function startChaosLoad(options: ChaosLoadOptions): Promise<ChaosLoad> {
  const { address, behind, token, productIds, random, customers, cards, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const connection = (): Reconnecting => cleanup.adopt(reconnecting(address), (open) => open.close());
  const reading = { connection: connection(), token, signal };
  const followers: Follower[] = [
    followOrders(reading),
    followOrders({ ...reading, connection: behind, name: "the undisturbed stream of all orders" }),
  ];
  cleanup.defer(async () => void (await Promise.all(followers.map((follower) => follower.stop()))));
  await Promise.all(followers.map(({ begun }) => begun));
  const orders = startOrderLoad({
    ...{ connection: connection(), token, productIds, cards, customers, random, signal },
    onOrder(orderId) {
      const tracked = followers.length - 2;
      if (tracked < MOST_TRACKED) {
        followers.push(followOrders({ ...reading, orderId, name: `the stream of order ${tracked + 1}` }));
      }
    },
  });
  const counters = Array.from({ length: COUNTERS }, () => uuidV7());
  const stock = startStockLoad({
    ...{ connection: connection(), token, productIds: counters, clerks: CLERKS, random, signal },
  });
  const atTheEnd = cleanup.move();
  return {
    seen: () => ({
      orders: orders.history,
      regrets: orders.regrets,
      stock: stock.operations,
      streams: followers.map(({ stream }) => stream),
    }),
    async stop() {
      await Promise.all([orders.stop(), stock.stop()]);
    },
    close: () => atTheEnd.disposeAsync(),
  };
}
