// The log of one service in one process: its store, the hub of its readers and the tailer that feeds it. The tailer starts with the
// first reader or commit; until then a log costs nothing.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Database } from "../database.ts";
import type { StorageLog } from "../storage-log.ts";
import { createEventHistory } from "./event-history.ts";
import { EventHub } from "./event-hub.ts";
import type { EventLog } from "./event-log.ts";
import { createEventStore } from "./event-store.ts";
import { EventTailer } from "./event-tailer.ts";
import { Subscriber } from "./subscriber.ts";

export interface EventLogOptions {
  /** Its connection for notifications is used too. */
  readonly database: Database<unknown>;
  /** Where `eventTables` were migrated to. */
  readonly schema: string;
  readonly clock: Clock;
  readonly log: StorageLog;
  readonly limits?: Partial<EventLogLimits>;
}

export interface EventLogLimits {
  /** How often it looks for events of other processes that no notification told of, while anybody reads. Default 250. */
  readonly pollMs: number;
  /** Events that are given positions, or read, at once. Default 1000. */
  readonly batchEvents: number;
  /** The newest events that are kept in memory for readers that are behind. Default 4096 ... */
  readonly ringEvents: number;
  /** ... and 16 MiB of them. */
  readonly ringBytes: number;
  /** Events that may wait for one reader. Default 256. */
  readonly queueEvents: number;
  /** A reader that is behind a full queue must ask for an event at least this often. Default 30 s. */
  readonly slowConsumerMs: number;
  /** Readers that read from the database at a time, so that many at once leave connections for others. Default 2. */
  readonly catchUpsAtOnce: number;
}

const DEFAULT_LIMITS: EventLogLimits = {
  pollMs: 250,
  batchEvents: 1_000,
  ringEvents: 4_096,
  ringBytes: 16 * 1024 * 1024,
  queueEvents: 256,
  slowConsumerMs: 30_000,
  catchUpsAtOnce: 2,
};

export interface StoppableEventLog extends EventLog {
  /** Ends what runs, and every reader. Streams should be ended before. */
  stop(): Promise<void>;
}

export function createEventLog(options: EventLogOptions): StoppableEventLog {
  const { database, schema, clock, log } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`event log ${name} ${value}: must be an integer of at least 1`);
    }
  }
  const store = createEventStore(database, schema);
  const hub = new EventHub(clock, limits);
  const tailer = new EventTailer({ database, schema, store, hub, clock, log, limits });
  const history = createEventHistory({ store, hub, tailer, clock, readsAtOnce: limits.catchUpsAtOnce });
  const context = { hub, history, clock, queueEvents: limits.queueEvents };
  return {
    append: (transaction, events) => store.append(transaction, events, new Date(clock.now())),
    committed: () => tailer.wake(),
    async head(signal) {
      signal?.throwIfAborted();
      await tailer.refresh();
      return hub.position;
    },
    subscribe(subscription) {
      const subscriber = new Subscriber(context, subscription);
      tailer.follow();
      return subscriber;
    },
    async stop() {
      await tailer.stop();
      hub.close(new Error("the event log was stopped"));
    },
  };
}
