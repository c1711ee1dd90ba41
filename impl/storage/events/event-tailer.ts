// Keeps the hub of a process at the end of the log: gives positions to what is committed, reads what others gave theirs, publishes both.
// One round runs at a time, and of all that ask for one meanwhile, one more. Woken by commits of this process, by notifications of
// others and, while anybody reads, by a poll, which also finds what a writer has left behind that died after its commit.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Database } from "../database.ts";
import type { StorageLog } from "../storage-log.ts";
import type { EventHub } from "./event-hub.ts";
import type { EventStore } from "./event-store.ts";

export interface TailerLimits {
  readonly pollMs: number;
  readonly batchEvents: number;
  readonly ringEvents: number;
}

export interface TailerOptions {
  readonly database: Pick<Database<unknown>, "listen">;
  readonly schema: string;
  readonly store: EventStore;
  readonly hub: EventHub;
  readonly clock: Clock;
  readonly log: StorageLog;
  readonly limits: TailerLimits;
}

export class EventTailer {
  readonly #options: TailerOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #cancelPoll: CancelTimer | undefined;
  #stopListening: (() => void) | undefined;
  #notified = -1n;
  #failing = false;

  constructor(options: TailerOptions) {
    this.#options = options;
  }

  /** Resolves when everything that was committed before the call is published. */
  refresh(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#following ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#following = undefined;
        return this.refresh();
      });
    return this.#following;
  }

  /** The same for nobody who waits. A failure is logged, and found again by the next poll. */
  wake(): void {
    if (!this.#stopped.signal.aborted) this.refresh().catch(() => {});
  }

  /** To be called when somebody begins to read. */
  follow(): void {
    const { database, schema } = this.#options;
    this.#stopListening ??= database.listen(schema, (position) => this.#onNotification(position));
    if (this.#cancelPoll !== undefined) return;
    this.#poll();
    // While nobody read, notifications were ignored.
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new Error("the event log was stopped"));
    this.#stopListening?.();
    this.#cancelPoll?.();
    await this.#running?.catch(() => {});
  }

  #onNotification(payload: string | undefined): void {
    if (payload !== undefined) {
      // Most often it is about what this process has published already.
      this.#notified = BigInt(payload);
      if (this.#running !== undefined || this.#notified <= this.#options.hub.position) return;
    }
    if (this.#options.hub.subscribers > 0) this.wake();
  }

  #poll(): void {
    const { clock, hub, limits } = this.#options;
    this.#cancelPoll = clock.after(limits.pollMs, () => {
      this.#cancelPoll = undefined;
      if (hub.subscribers === 0 || this.#stopped.signal.aborted) return;
      this.#poll();
      if (this.#running === undefined) this.wake();
    });
  }

  #start(): Promise<void> {
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#notified > this.#options.hub.position && !this.#failing) this.wake();
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { log, schema } = this.#options;
    const { signal } = this.#stopped;
    signal.throwIfAborted();
    try {
      while (await this.#round(signal));
      if (this.#failing) log.info({ schema }, "events are read again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing && !signal.aborted)
        log.warn({ err: error, schema }, "events cannot be read and will be tried again");
      this.#failing = true;
      throw error;
    }
  }

  /** True when there may be more. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { store, hub, limits } = this.#options;
    const { head, events } = await store.number(limits.batchEvents, signal);
    const first = events[0]?.position;
    await this.#publishThrough(first === undefined ? head : first - 1n, signal);
    hub.publish(events);
    return events.length === limits.batchEvents;
  }

  /** Publishes what others gave positions to, but no more than the ring holds: who wants older events reads them for himself. */
  async #publishThrough(through: bigint, signal: AbortSignal): Promise<void> {
    const { store, hub, limits } = this.#options;
    if (hub.position >= through) return;
    const before = through - BigInt(limits.ringEvents);
    if (before > hub.position || hub.position < 0n) hub.skipTo(before > 0n ? before : 0n);
    while (hub.position < through) {
      const range = { after: hub.position, through, keys: undefined, limit: limits.batchEvents };
      const { events } = await store.read(range, signal);
      if (events.length === 0) hub.skipTo(through);
      hub.publish(events);
    }
  }
}
