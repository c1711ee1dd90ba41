// Reading back in the database, for readers that are further behind than the ring reaches. Few at a time: after a restart there may be
// thousands.
import type { Clock } from "#impl/runtime/clock.ts";
import { EventsExpired } from "./event-errors.ts";
import type { EventHub } from "./event-hub.ts";
import type { EventStore } from "./event-store.ts";
import type { EventTailer } from "./event-tailer.ts";
import type { EventHistory } from "./subscriber.ts";
import { createTurns } from "./turns.ts";

export interface EventHistoryOptions {
  readonly store: EventStore;
  readonly hub: EventHub;
  readonly tailer: EventTailer;
  readonly clock: Clock;
  readonly readsAtOnce: number;
}

/** Events that are looked through at once for those with the right keys. */
const SPAN_EVENTS = 10_000n;

export function createEventHistory(options: EventHistoryOptions): EventHistory {
  const { store, hub, tailer, clock } = options;
  const turns = createTurns(options.readsAtOnce);
  const refuse = async (after: bigint, signal: AbortSignal): Promise<never> => {
    throw new EventsExpired(after, (await store.oldestTime(signal)) ?? clock.now());
  };
  return {
    refresh: () => tailer.refresh(),
    refuse,
    read: (after, keys, limit, signal) =>
      turns(async () => {
        signal.throwIfAborted();
        const end = after + SPAN_EVENTS;
        const through = end < hub.position ? end : hub.position;
        const { events, purgedThrough } = await store.read({ after, through, keys, limit }, signal);
        if (after < purgedThrough) return await refuse(after, signal);
        const last = events.at(-1);
        return { events, through: last !== undefined && events.length === limit ? last.position : through };
      }),
  };
}
