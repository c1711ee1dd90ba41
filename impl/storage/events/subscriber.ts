// One reader of a log. It is live, which means that the hub gives it what it wants, or behind, which means that it reads for itself,
// from the ring or the database, until there is nothing left to read: the step from one to the other is made in one turn of the event
// loop, so nothing is lost or repeated. Invariant: every matching event up to `#cursor` was delivered or is queued, and none after it.
import type { Clock } from "#impl/runtime/clock.ts";
import type { Event } from "./event.ts";
import { SlowConsumer } from "./event-errors.ts";
import type { EventHub } from "./event-hub.ts";
import type { SubscribeOptions, Subscription } from "./event-log.ts";

/** What a reader that is behind needs. */
export interface EventHistory {
  /** Resolves when the hub has come to `position`, or to all that is committed now, and no sooner. */
  refresh(position: bigint): Promise<void>;
  /** Events after a position, the first `limit` that have one of the keys, and how far it has looked. Throws EventsExpired. */
  read(
    after: bigint,
    keys: readonly string[] | undefined,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly Event[]; readonly through: bigint }>;
  /** Throws EventsExpired: there are no events after this position any more. */
  refuse(after: bigint, signal: AbortSignal): Promise<never>;
}

export interface SubscriberContext {
  readonly hub: EventHub;
  readonly history: EventHistory;
  readonly clock: Clock;
  readonly queueEvents: number;
}

export class Subscriber implements Subscription {
  readonly keys: readonly string[] | undefined;
  readonly #context: SubscriberContext;
  readonly #options: SubscribeOptions;
  #queue: Event[] = [];
  #cursor: bigint;
  #live = false;
  #asking = false;
  #askedAt: number;
  #stir: (() => void) | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(context: SubscriberContext, options: SubscribeOptions) {
    this.keys = options.keys;
    this.#context = context;
    this.#options = options;
    this.#cursor = options.after;
    this.#askedAt = context.clock.monotonic();
    context.hub.add(this);
    if (options.after === context.hub.position) this.#live = true;
    else context.hub.fellBehind(this);
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal.aborted) this.#onAbort();
  }

  get position(): bigint {
    const [next] = this.#queue;
    if (next !== undefined) return next.position - 1n;
    const { position } = this.#context.hub;
    return this.#live && position > this.#cursor ? position : this.#cursor;
  }

  /** How long it has not asked for an event. */
  get idleMs(): number {
    return this.#asking ? 0 : this.#context.clock.monotonic() - this.#askedAt;
  }

  async next(timeoutMs: number): Promise<Event | undefined> {
    const { clock } = this.#context;
    const until = clock.monotonic() + timeoutMs;
    this.#asking = true;
    try {
      for (;;) {
        if (this.#ended !== undefined) throw this.#ended.reason;
        const event = this.#queue.shift();
        if (event !== undefined) return event;
        const wasLive = this.#live;
        if (!wasLive) await this.#catchUp();
        if (this.#queue.length > 0 || this.#ended !== undefined) continue;
        const leftMs = until - clock.monotonic();
        if (leftMs <= 0) return undefined;
        if (this.#live) await this.#sleep(leftMs);
      }
    } finally {
      this.#asking = false;
      this.#askedAt = clock.monotonic();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, undefined> {
    try {
      for (;;) {
        const event = await this.next(Number.POSITIVE_INFINITY);
        if (event !== undefined) yield event;
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    this.end(new Error("the subscription was closed"));
  }

  /** The reader gets `reason` when it asks for the next event. */
  end(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#cursor = this.position;
    this.#live = false;
    this.#ended = { reason };
    this.#queue = [];
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#context.hub.remove(this);
    this.wake();
  }

  endAsSlow(idleMs: number): void {
    const error = new SlowConsumer(idleMs);
    this.end(error);
    this.#options.onSlow?.(error);
  }

  /** An event with one of the keys. It may come once for each key that fits. */
  offer(event: Event): void {
    if (!this.#live || event.position <= this.#cursor) return;
    if (this.#queue.length >= this.#context.queueEvents) {
      this.fallBehind(event.position - 1n);
      return;
    }
    this.#queue.push(event);
    this.#cursor = event.position;
    // With more in its queue it does not wait, or is about to be woken.
    if (this.#queue.length === 1 && this.#stir !== undefined) this.#context.hub.wake(this);
  }

  /** Lets it look again at what there is, if it waits. */
  wake(): void {
    this.#stir?.();
  }

  /** The hub has offered everything up to `position` and offers nothing more. */
  fallBehind(position: bigint): void {
    if (!this.#live) return;
    this.#live = false;
    if (position > this.#cursor) this.#cursor = position;
    this.#context.hub.fellBehind(this);
    this.wake();
  }

  readonly #onAbort = (): void => this.end(this.#options.signal.reason);

  /** Until it is woken. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stir = undefined;
        cancel?.();
        resolve();
      };
      this.#stir = done;
      const cancel = ms === Number.POSITIVE_INFINITY ? undefined : this.#context.clock.after(ms, done);
    });
  }

  async #catchUp(): Promise<void> {
    const { hub, history, queueEvents } = this.#context;
    const { signal } = this.#options;
    if (this.#cursor > hub.position) {
      await history.refresh(this.#cursor);
      // A position that was never given, or that was taken back with the database.
      if (this.#cursor > hub.position) await history.refuse(this.#cursor, signal);
    }
    if (this.#ended !== undefined || this.#takeFromRing()) return;
    const page = await history.read(this.#cursor, this.keys, queueEvents, signal);
    if (this.#ended !== undefined) return;
    this.#queue.push(...page.events);
    this.#cursor = page.through;
    this.#takeFromRing();
  }

  /** False when the ring does not reach back so far. */
  #takeFromRing(): boolean {
    const { hub, queueEvents } = this.#context;
    while (this.#cursor < hub.position) {
      if (this.#queue.length >= queueEvents) return true;
      const event = hub.ring.get(this.#cursor + 1n);
      if (event === undefined) return false;
      if (this.#wants(event)) this.#queue.push(event);
      this.#cursor = event.position;
    }
    this.#live = true;
    hub.caughtUp(this);
    return true;
  }

  #wants({ keys }: Event): boolean {
    const wanted = this.keys;
    return wanted === undefined || keys.some((key) => wanted.includes(key));
  }
}
