// The calls under way, and when there are none: what closing waits for.
export class CallCount {
  #running = 0;
  #waiting: Array<() => void> = [];

  /** Counts one more; hands back what ends it. */
  begin(): () => void {
    this.#running += 1;
    return () => {
      this.#running -= 1;
      if (this.#running === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }

  /** Resolves when no call is under way. */
  none(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
