// How much of a response stream may wait in this process for a slow reader. Invariant: the producer is not asked for another message
// while more than `limitBytes` are unsent, so a stream holds at most that and one message.

export class SendWindow {
  readonly #limitBytes: number;
  #unsentBytes = 0;
  #resume: (() => void) | undefined = undefined;
  #closed = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  get full(): boolean {
    return !this.#closed && this.#unsentBytes > this.#limitBytes;
  }

  add(bytes: number): void {
    this.#unsentBytes += bytes;
  }

  remove(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (!this.full) this.#wake();
  }

  /** Nothing waits any more, now or later. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Resolves when the window is no longer full or is closed. */
  space(): Promise<void> {
    if (!this.full) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  #wake(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }
}
