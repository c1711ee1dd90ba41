// The log of one service: the only way to write events, to read them again and to follow them. One in every process that serves the
// service; all of them see the same positions.
import type { Transaction } from "kysely";
import type { Event, NewEvent } from "./event.ts";
import type { SlowConsumer } from "./event-errors.ts";

export interface EventLog {
  /**
   * Writes events in the transaction that changes the state. Call it after the rows that changed are locked or written: that is what
   * keeps the events of one row in the order of its changes. A change of one statement can bring its events along: `eventInsertion`.
   */
  append<T>(transaction: Transaction<T>, events: readonly NewEvent[]): Promise<void>;
  /** Says that a transaction with events was committed, so that they are read now and not with the next poll. Never throws. */
  committed(): void;
  /** The position of the newest event that can be read: a stream that starts here sees what comes after. */
  head(signal?: AbortSignal): Promise<bigint>;
  /** Follows the log; see Subscription. */
  subscribe(options: SubscribeOptions): Subscription;
}

export interface SubscribeOptions {
  /** Events with at least one of these keys; undefined is all. */
  readonly keys?: readonly string[];
  /** Events after this position. */
  readonly after: bigint;
  /** Ends the subscription. */
  readonly signal: AbortSignal;
  /** Told once, when the reader is ended as too slow: it may be waiting elsewhere, and would not ask for an event that tells it. */
  readonly onSlow?: (error: SlowConsumer) => void;
}

/**
 * Iterates over the events after `after`, in order, each once, for ever. Ends when its signal aborts (throwing its reason). Throws
 * EventsExpired when events after `after` are no longer kept, and SlowConsumer when the reader has been behind a full queue for longer
 * than the log allows.
 */
export interface Subscription extends AsyncIterable<Event> {
  /** The next event, or undefined when none came within `timeoutMs`. */
  next(timeoutMs: number): Promise<Event | undefined>;
  /**
   * Every event up to here was delivered or does not match: where to resume even if nothing matched for long. Advances without events
   * of this subscription's keys.
   */
  readonly position: bigint;
  /** Lets go of everything. Safe to call twice. */
  close(): void;
}
