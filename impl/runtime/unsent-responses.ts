// Responses that wait for their readers. Invariant: one that makes no progress is cut between one and two timeouts later, and all together hold
// at most `maxBytes` and one message, so that readers who never open their windows cannot fill the memory. One timer for all; none without any.
import type { Clock } from "./clock.ts";

export interface Reader {
  /** Grows with every message that has left. */
  readonly sentMessages: number;
  readonly unsentBytes: number;
  /** Ends its call; it must not be added again. */
  cut(): void;
}

export interface UnsentLimits {
  /** How long a reader may take for one message. */
  readonly timeoutMs: number;
  /** Bytes that may wait for all readers together; beyond it those who have waited longest are cut. */
  readonly maxBytes: number;
}

export class UnsentResponses {
  readonly #limits: UnsentLimits;
  readonly #clock: Clock;
  /** What each had sent when it was last looked at, or -1. */
  readonly #readers = new Map<Reader, number>();
  #bytes = 0;
  #cancelSweep: (() => void) | undefined = undefined;

  constructor(limits: UnsentLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A message of `bytes`, counted in the reader's own already, is on its way. */
  add(reader: Reader, bytes: number): void {
    this.#bytes += bytes;
    if (!this.#readers.has(reader)) {
      this.#readers.set(reader, -1);
      this.#cancelSweep ??= this.#clock.after(this.#limits.timeoutMs, () => this.#sweep());
    }
    if (this.#bytes > this.#limits.maxBytes) this.#cutOldest(reader);
  }

  /** It has left. */
  sent(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** Nothing waits for this reader any more: all has left, or nothing can. */
  remove(reader: Reader): void {
    if (this.#readers.delete(reader)) this.#bytes -= reader.unsentBytes;
  }

  stop(): void {
    this.#cancelSweep?.();
  }

  /** One message is let through, however large, or nobody could be answered. */
  #cutOldest(newest: Reader): void {
    for (const reader of this.#readers.keys()) {
      if (this.#bytes <= this.#limits.maxBytes) return;
      if (reader !== newest) this.#cut(reader);
    }
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    for (const [reader, sentBefore] of this.#readers) {
      if (reader.sentMessages === sentBefore) this.#cut(reader);
      else this.#readers.set(reader, reader.sentMessages);
    }
    if (this.#readers.size > 0) {
      this.#cancelSweep = this.#clock.after(this.#limits.timeoutMs, () => this.#sweep());
    }
  }

  #cut(reader: Reader): void {
    this.remove(reader);
    reader.cut();
  }
}
