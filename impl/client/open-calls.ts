// The calls under way: what closing waits for, and cancels.
export class OpenCalls {
  readonly #open = new Set<() => void>();
  #waiting: Array<() => void> = [];

  /** One more, and how to cancel it; hands back what ends it. */
  begin(cancel: () => void): () => void {
    this.#open.add(cancel);
    return () => {
      this.#open.delete(cancel);
      if (this.#open.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  cancelAll(): void {
    for (const cancel of [...this.#open]) cancel();
  }

  /** Resolves when no call is under way. */
  none(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
