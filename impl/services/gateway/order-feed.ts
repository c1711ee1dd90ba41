// The orders' log as this process sees it from outside: one stream of all orders from OrderService, which begins with the first reader, handed
// to any number of readers here. Positions are those of OrderService, so they are the same in every process. Readers that are behind the
// memory read for themselves, a few at a time.
import type { ClientOf } from "#impl/client/client.ts";
import { type CancelTimer, type Clock, sleep } from "#impl/runtime/clock.ts";
import type { Logger } from "#impl/runtime/logger.ts";
import { Code } from "#impl/runtime/status.ts";
import { EventHub } from "#impl/storage/events/event-hub.ts";
import type { EventLog } from "#impl/storage/events/event-log.ts";
import { Subscriber } from "#impl/storage/events/subscriber.ts";
import type { OrderServiceDefinition } from "#proto/ecommerce/v1/order_service.ts";
import type { PageTokens } from "../shared/page-token.ts";
import { serviceUnavailable } from "./callee-status.ts";
import { createOrderHistory } from "./order-history.ts";
import { isCode, type OrderWatch, openOrderWatch } from "./order-watch.ts";

export type Orders = Pick<ClientOf<OrderServiceDefinition>, "watchOrders">;

export interface OrderFeedOptions {
  readonly orders: Orders;
  /** Of the key that OrderService has. */
  readonly tokens: PageTokens;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<OrderFeedLimits>;
}

export interface OrderFeedLimits {
  /** The newest events that are kept in memory. Default 4096 ... */
  readonly ringEvents: number;
  /** ... and 16 MiB of them. */
  readonly ringBytes: number;
  /** Events that may wait for one reader. Default 256. */
  readonly queueEvents: number;
  /** A reader that is behind a full queue must ask for an event at least this often. Default 30 s. */
  readonly slowConsumerMs: number;
  /** Readers that read for themselves at a time. Default 4. */
  readonly catchUpsAtOnce: number;
  /** How long the stream goes on without readers. Default 60 s. */
  readonly lingerMs: number;
  /** After so long without OrderService readers are ended with UNAVAILABLE. Default 10 s. */
  readonly outageMs: number;
}

const DEFAULT_LIMITS: OrderFeedLimits = {
  ringEvents: 4_096,
  ringBytes: 16 * 1024 * 1024,
  queueEvents: 256,
  slowConsumerMs: 30_000,
  catchUpsAtOnce: 4,
  lingerMs: 60_000,
  outageMs: 10_000,
};

const RETRY_MS = 100;
/** A place that is ahead for longer is one that there never was. */
const AHEAD_MS = 3_000;

export interface OrderFeed {
  readonly log: Pick<EventLog, "head" | "subscribe">;
  stop(): Promise<void>;
}

/** One run of the stream, from its first reader until nobody reads any more. */
interface Run {
  readonly stop: AbortController;
  /** Resolves when it is known where the log ends; rejects when OrderService cannot be reached. */
  readonly begun: PromiseWithResolvers<void>;
  readonly ended: Promise<void>;
}

export function createOrderFeed(options: OrderFeedOptions): OrderFeed {
  const { orders, tokens, clock, log } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const hub = new EventHub(clock, limits);
  let run: Run | undefined;
  let cancelLinger: CancelTimer | undefined;

  const follow = (): Run => {
    if (run !== undefined) return run;
    const stop = new AbortController();
    const begun = Promise.withResolvers<void>();
    // Nobody may be waiting for it.
    begun.promise.catch(() => {});
    const ended = keepFollowing(stop.signal, begun).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      log.warn({ err: error }, "orders cannot be followed; their readers are ended");
      hub.close(serviceUnavailable(error));
    });
    const current = { stop, begun, ended };
    run = current;
    void ended.then(() => {
      begun.reject(new Error("the stream of orders has ended"));
      if (run === current) run = undefined;
    });
    endWithoutReaders();
    return current;
  };

  const endWithoutReaders = (): void => {
    cancelLinger ??= clock.after(limits.lingerMs, () => {
      cancelLinger = undefined;
      if (hub.subscribers > 0) endWithoutReaders();
      else run?.stop.abort(new Error("nobody reads"));
    });
  };

  const keepFollowing = async (signal: AbortSignal, begun: Run["begun"]): Promise<void> => {
    // What came while nobody read is left out: whoever wants it reads it for himself.
    let after: bigint | undefined;
    let failingSince: number | undefined;
    for (;;) {
      const watch = openOrderWatch({ orders, tokens }, after, signal);
      try {
        await read(watch, (position) => {
          after = position;
          failingSince = undefined;
          begun.resolve();
        });
      } catch (error) {
        signal.throwIfAborted();
        if (isCode(error, Code.OUT_OF_RANGE)) after = undefined;
        const now = clock.monotonic();
        failingSince ??= now;
        if (after === undefined) begun.reject(serviceUnavailable(error));
        if (now - failingSince >= limits.outageMs) throw error;
        log.debug({ err: error }, "the stream of orders was cut and is opened again");
        await sleep(clock, RETRY_MS, signal);
      }
    }
  };

  const read = async (watch: OrderWatch, onPosition: (position: bigint) => void): Promise<void> => {
    const begin = await watch.begin;
    hub.skipTo(begin);
    onPosition(begin);
    for await (const { position, event } of watch.messages) {
      if (event !== undefined) hub.publish([event]);
      else hub.skipTo(position);
      onPosition(position);
    }
  };

  const refresh = async (position: bigint): Promise<void> => {
    await follow().begun.promise;
    const until = clock.monotonic() + AHEAD_MS;
    while (hub.position < position && clock.monotonic() < until) await sleep(clock, RETRY_MS);
  };
  const history = createOrderHistory({ orders, tokens, hub, refresh, readsAtOnce: limits.catchUpsAtOnce });
  const context = { hub, history, clock, queueEvents: limits.queueEvents };
  return {
    log: {
      async head(signal) {
        signal?.throwIfAborted();
        await follow().begun.promise;
        return hub.position;
      },
      subscribe(subscription) {
        const subscriber = new Subscriber(context, subscription);
        follow();
        return subscriber;
      },
    },
    async stop() {
      cancelLinger?.();
      const running = run;
      running?.stop.abort(new Error("the gateway stops"));
      await running?.ended;
      hub.close(new Error("the gateway stops"));
    },
  };
}
