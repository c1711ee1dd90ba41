// Hands the events of a log to the readers of this process. Invariants: positions only grow, and a live reader is offered every
// event with a key of its own exactly once. An event touches only its own readers, so an idle one costs memory and nothing else; and
// readers are woken a few at a time, so that an event for thousands does not stop the process while all of them send it.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { Event } from "./event.ts";
import { EventRing } from "./event-ring.ts";
import type { Subscriber } from "./subscriber.ts";

export interface HubLimits {
  readonly ringEvents: number;
  readonly ringBytes: number;
  readonly slowConsumerMs: number;
}

/** Readers that are woken in one turn of the event loop: a few milliseconds' work. */
const WOKEN_AT_ONCE = 100;

export class EventHub {
  readonly ring: EventRing;
  readonly #clock: Clock;
  readonly #slowConsumerMs: number;
  readonly #byKey = new Map<string, Set<Subscriber>>();
  readonly #ofAll = new Set<Subscriber>();
  readonly #behind = new Set<Subscriber>();
  /** Have something to read and do not know it yet. */
  #toWake: Subscriber[] = [];
  #wokenNow = 0;
  #position = -1n;
  #subscribers = 0;
  #cancelWatch: CancelTimer | undefined;

  constructor(clock: Clock, limits: HubLimits) {
    this.#clock = clock;
    this.#slowConsumerMs = limits.slowConsumerMs;
    this.ring = new EventRing(limits.ringEvents, limits.ringBytes);
  }

  /** The last event that was published; -1 before anything is known of the log. */
  get position(): bigint {
    return this.#position;
  }

  get subscribers(): number {
    return this.#subscribers;
  }

  /** In order; those that were published before are left out. */
  publish(events: readonly Event[]): void {
    for (const event of events) {
      if (event.position <= this.#position) continue;
      if (event.position !== this.#position + 1n) this.skipTo(event.position - 1n);
      this.ring.push(event);
      this.#position = event.position;
      for (const subscriber of this.#ofAll) subscriber.offer(event);
      for (const key of event.keys) {
        for (const subscriber of this.#byKey.get(key) ?? []) subscriber.offer(event);
      }
    }
  }

  /** Soon, and at once when they are few. */
  wake(subscriber: Subscriber): void {
    if (this.#wokenNow < WOKEN_AT_ONCE) {
      if (this.#wokenNow++ === 0) setImmediate(() => this.#wakeMore());
      subscriber.wake();
    } else {
      this.#toWake.push(subscriber);
    }
  }

  #wakeMore(): void {
    const next = this.#toWake.splice(0, WOKEN_AT_ONCE);
    this.#wokenNow = next.length;
    if (next.length > 0) setImmediate(() => this.#wakeMore());
    for (const subscriber of next) subscriber.wake();
  }

  /** Leaves out the events up to a position: readers that want them have to read them from the database. */
  skipTo(position: bigint): void {
    if (position <= this.#position) return;
    for (const subscriber of this.#ofAll) subscriber.fallBehind(this.#position);
    for (const subscribers of this.#byKey.values()) {
      for (const subscriber of subscribers) subscriber.fallBehind(this.#position);
    }
    this.ring.clear();
    this.#position = position;
  }

  /** Ends every reader. */
  close(reason: unknown): void {
    for (const subscriber of this.#ofAll) subscriber.end(reason);
    for (const subscribers of this.#byKey.values()) {
      for (const subscriber of subscribers) subscriber.end(reason);
    }
  }

  add(subscriber: Subscriber): void {
    this.#subscribers += 1;
    if (subscriber.keys === undefined) this.#ofAll.add(subscriber);
    for (const key of subscriber.keys ?? []) {
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, new Set([subscriber]));
      else known.add(subscriber);
    }
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers -= 1;
    this.caughtUp(subscriber);
    this.#ofAll.delete(subscriber);
    for (const key of subscriber.keys ?? []) {
      const subscribers = this.#byKey.get(key);
      subscribers?.delete(subscriber);
      if (subscribers?.size === 0) this.#byKey.delete(key);
    }
  }

  /** From now on the reader is watched: it must ask for events to stay. */
  fellBehind(subscriber: Subscriber): void {
    this.#behind.add(subscriber);
    this.#cancelWatch ??= this.#clock.after(this.#slowConsumerMs, () => this.#endSlowOnes());
  }

  caughtUp(subscriber: Subscriber): void {
    this.#behind.delete(subscriber);
    if (this.#behind.size > 0) return;
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  #endSlowOnes(): void {
    let longestMs = 0;
    for (const subscriber of this.#behind) {
      const idleMs = subscriber.idleMs;
      if (idleMs >= this.#slowConsumerMs) subscriber.endAsSlow(idleMs);
      else longestMs = Math.max(longestMs, idleMs);
    }
    this.#cancelWatch =
      this.#behind.size === 0
        ? undefined
        : this.#clock.after(this.#slowConsumerMs - longestMs, () => this.#endSlowOnes());
  }
}
