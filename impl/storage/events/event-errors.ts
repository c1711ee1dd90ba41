// What can be wrong with a reader of events. The service that reads turns them into statuses.

/** Events after the position are no longer kept. */
export class EventsExpired extends Error {
  readonly after: bigint;
  /** When the oldest event that is still kept was written, milliseconds since the epoch. */
  readonly oldestTime: number;

  constructor(after: bigint, oldestTime: number) {
    super(`events after position ${after} are no longer kept`);
    this.name = "EventsExpired";
    this.after = after;
    this.oldestTime = oldestTime;
  }
}

/** The reader's queue was full for too long. */
export class SlowConsumer extends Error {
  readonly behindMs: number;

  constructor(behindMs: number) {
    super(`the reader has been behind a full queue for ${behindMs} ms`);
    this.name = "SlowConsumer";
    this.behindMs = behindMs;
  }
}
