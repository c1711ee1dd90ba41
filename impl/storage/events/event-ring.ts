// The newest events in memory, for readers that are a little behind. Their positions have no gap, so an event is found by counting.
import type { Event } from "./event.ts";

/** What an event costs beside its payload. */
const EVENT_OVERHEAD_BYTES = 200;

export class EventRing {
  readonly #slots: (Event | undefined)[];
  readonly #maxBytes: number;
  #last = -1n;
  #count = 0;
  #bytes = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#slots = new Array(maxEvents).fill(undefined);
    this.#maxBytes = maxBytes;
  }

  /** The event must follow the last one, or the ring be empty. */
  push(event: Event): void {
    if (this.#count === this.#slots.length) this.#dropOldest();
    this.#slots[this.#slotOf(event.position)] = event;
    this.#last = event.position;
    this.#count += 1;
    this.#bytes += sizeOf(event);
    while (this.#bytes > this.#maxBytes && this.#count > 1) this.#dropOldest();
  }

  get(position: bigint): Event | undefined {
    return position > this.#last - BigInt(this.#count) && position <= this.#last
      ? this.#slots[this.#slotOf(position)]
      : undefined;
  }

  clear(): void {
    this.#slots.fill(undefined);
    this.#count = 0;
    this.#bytes = 0;
  }

  #dropOldest(): void {
    const slot = this.#slotOf(this.#last - BigInt(this.#count) + 1n);
    const event = this.#slots[slot];
    this.#slots[slot] = undefined;
    this.#count -= 1;
    if (event !== undefined) this.#bytes -= sizeOf(event);
  }

  #slotOf(position: bigint): number {
    return Number(position % BigInt(this.#slots.length));
  }
}

function sizeOf({ payload }: Event): number {
  return payload.byteLength + EVENT_OVERHEAD_BYTES;
}
