// Reading back, for readers of orders that are further behind than the memory reaches: with a stream of their own from OrderService, until
// it has come to what the memory has.
import { Code } from "#impl/runtime/status.ts";
import type { Event } from "#impl/storage/events/event.ts";
import { EventsExpired } from "#impl/storage/events/event-errors.ts";
import type { EventHub } from "#impl/storage/events/event-hub.ts";
import type { EventHistory } from "#impl/storage/events/subscriber.ts";
import { createTurns } from "#impl/storage/events/turns.ts";
import { toCaller } from "./callee-status.ts";
import { isCode, type OrderWatchNeeds, openOrderWatch } from "./order-watch.ts";

export interface OrderHistoryOptions extends OrderWatchNeeds {
  readonly hub: EventHub;
  readonly refresh: EventHistory["refresh"];
  readonly readsAtOnce: number;
}

/** Events that are looked through at once for those with the right keys. */
const SPAN_EVENTS = 10_000n;
const NO_CODES: ReadonlySet<Code> = new Set();

export function createOrderHistory(options: OrderHistoryOptions): EventHistory {
  const { hub, refresh } = options;
  const turns = createTurns(options.readsAtOnce);
  return {
    refresh,
    async refuse(after) {
      throw new EventsExpired(after, 0);
    },
    read: (after, keys, limit, signal) =>
      turns(async () => {
        const until = after + SPAN_EVENTS < hub.position ? after + SPAN_EVENTS : hub.position;
        const stop = new AbortController();
        try {
          const watch = openOrderWatch(options, after, AbortSignal.any([signal, stop.signal]));
          return await readUntil(watch.messages, after, until, keys, limit);
        } catch (error) {
          signal.throwIfAborted();
          throw expiredOr(error, after);
        } finally {
          stop.abort(new Error("enough was read"));
        }
      }),
  };
}

async function readUntil(
  messages: AsyncIterable<{ readonly position: bigint; readonly event: Event | undefined }>,
  after: bigint,
  until: bigint,
  keys: readonly string[] | undefined,
  limit: number,
) {
  const events: Event[] = [];
  let through = after;
  if (until <= after) return { events, through };
  for await (const { position, event } of messages) {
    const wanted = keys === undefined || event?.keys.some((key) => keys.includes(key)) === true;
    if (event !== undefined && wanted) events.push(event);
    through = position;
    if (through >= until || events.length >= limit) break;
  }
  return { events, through };
}

function expiredOr(error: unknown, after: bigint): unknown {
  if (!isCode(error, Code.OUT_OF_RANGE)) return toCaller(error, NO_CODES);
  return new EventsExpired(after, error.details.resumeExpired?.oldestEventTime?.getTime() ?? 0);
}
