// Time for the link, and the only file of the fault folder's library part that reads it or sets a timer.

export interface LinkClock {
  /** Monotonic, with fractions. */
  nowMs(): number;
  /** Runs `task` no sooner than in `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
}

export const systemLinkClock: LinkClock = Object.freeze({
  nowMs: () => performance.now(),
  after: (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
});
