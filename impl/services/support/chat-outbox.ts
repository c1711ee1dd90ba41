// What one stream is going to say. Invariant: it holds a bounded amount, whoever fills it. The rooms wait for space; answers to what the
// caller asked for never wait, have a part of the space of their own, and end the stream of a caller who asks and does not read; what is
// only of the moment is not held at all but asked for when there is nothing else to say.
import type { CancelTimer, Clock } from "#impl/runtime/clock.ts";
import type { ChatWithSupportResponse } from "#proto/ecommerce/v1/support.ts";
import type { ChatLimits } from "./chat-limits.ts";
import { bytesAtMost } from "./response-size.ts";

export interface OutboxOptions {
  readonly clock: Clock;
  readonly limits: Pick<ChatLimits, "queueMessages" | "queueBytes" | "slowReaderMs">;
  /** The reader is too slow; told once. */
  readonly onSlow: () => void;
}

/** Has things to say that are only of the moment. */
export interface MomentSource {
  /** What has changed since the last time it was asked. */
  takeMoments(): Iterable<ChatWithSupportResponse>;
}

interface Waiter {
  readonly response: ChatWithSupportResponse;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
}

/** Answers may use as much space as the rooms, beyond what those use. */
const partsOfSpace = 2;

export class ChatOutbox {
  readonly #options: OutboxOptions;
  readonly #queue: ChatWithSupportResponse[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #sources = new Set<MomentSource>();
  #bytes = 0;
  #progressAt = 0;
  #cancelWatch: CancelTimer | undefined;
  #wake: (() => void) | undefined;
  #ending: { readonly error?: unknown } | undefined;
  #isSlow = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Says something that the caller waits for. */
  answer(response: ChatWithSupportResponse): void {
    if (this.#fills(partsOfSpace)) this.#endAsSlow();
    else this.#add(response);
  }

  /** Says something of a room, once there is space for it; not at all when the signal has aborted by then. */
  offer(response: ChatWithSupportResponse, signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted) return Promise.resolve();
    if (!this.#fills(1) && this.#waiters.length === 0) {
      this.#add(response);
      return Promise.resolve();
    }
    this.#watchReader();
    return new Promise((resolve) => this.#waiters.push({ response, signal, resolve }));
  }

  /** The source has something to say. */
  mark(source: MomentSource): void {
    if (this.#closed) return;
    this.#sources.add(source);
    this.#wake?.();
  }

  /** Nothing more is said after what is held. */
  end(outcome: { readonly error?: unknown } = {}): void {
    this.#ending ??= outcome;
    this.#wake?.();
  }

  /** The next thing to say; undefined when there was none for `timeoutMs`, and "ended" after the last. Throws the error of the end. */
  async next(timeoutMs: number): Promise<ChatWithSupportResponse | "ended" | undefined> {
    const { clock } = this.#options;
    const until = clock.monotonic() + timeoutMs;
    for (;;) {
      const response = this.#take();
      if (response !== undefined) return response;
      if (this.#ending !== undefined) {
        if ("error" in this.#ending) throw this.#ending.error;
        return "ended";
      }
      const leftMs = until - clock.monotonic();
      if (leftMs <= 0) return undefined;
      await this.#sleep(leftMs);
    }
  }

  /** Forgets everything and lets all who wait go. */
  close(): void {
    this.#closed = true;
    this.#cancelWatch?.();
    this.#queue.length = 0;
    this.#sources.clear();
    for (const { resolve } of this.#waiters.splice(0)) resolve();
    this.end();
  }

  #take(): ChatWithSupportResponse | undefined {
    if (this.#queue.length === 0) this.#askSources();
    const response = this.#queue.shift();
    if (response === undefined) return undefined;
    this.#bytes -= bytesAtMost(response);
    if (this.#waiters.length > 0) this.#progressAt = this.#options.clock.monotonic();
    while (this.#waiters.length > 0 && !this.#fills(1)) this.#admit();
    return response;
  }

  #askSources(): void {
    for (const source of this.#sources) {
      this.#sources.delete(source);
      for (const response of source.takeMoments()) this.#add(response);
      if (this.#queue.length > 0) return;
    }
  }

  #admit(): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return;
    if (!waiter.signal.aborted) this.#add(waiter.response);
    waiter.resolve();
  }

  #add(response: ChatWithSupportResponse): void {
    if (this.#closed) return;
    this.#queue.push(response);
    this.#bytes += bytesAtMost(response);
    this.#wake?.();
  }

  #fills(parts: number): boolean {
    const { queueMessages, queueBytes } = this.#options.limits;
    return this.#queue.length >= parts * queueMessages || this.#bytes >= parts * queueBytes;
  }

  /** While somebody waits for space, the reader must take something now and then. */
  #watchReader(): void {
    if (this.#cancelWatch !== undefined) return;
    const { clock, limits } = this.#options;
    this.#progressAt = clock.monotonic();
    const watch = (ms: number): void => {
      this.#cancelWatch = clock.after(ms, () => {
        this.#cancelWatch = undefined;
        if (this.#waiters.length === 0) return;
        const leftMs = this.#progressAt + limits.slowReaderMs - clock.monotonic();
        if (leftMs > 0) watch(leftMs);
        else this.#endAsSlow();
      });
    };
    watch(limits.slowReaderMs);
  }

  #endAsSlow(): void {
    if (this.#isSlow || this.#closed) return;
    this.#isSlow = true;
    this.#options.onSlow();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }
}
