// Time for the load engines, and the only file of theirs that reads it or sets a timer. A test passes a clock of its own.

export interface LoadClock {
  /** Monotonic, with fractions. */
  nowMicros(): number;
  /** Milliseconds since 1970, for charts. */
  epochMs(): number;
  /** Runs `task` after the events that are already waiting; costs a turn of the event loop, not a wait. */
  soon(task: () => void): void;
  /** Runs `task` no sooner than in `ms`; the returned function cancels it. */
  after(ms: number, task: () => void): () => void;
  /** CPU time used by this process, helper threads included. */
  cpuMicros(): number;
  /** Time this process's event loop was not asleep, spinning included. */
  activeMicros(): number;
}

export const systemClock: LoadClock = Object.freeze({
  nowMicros: () => performance.now() * 1000,
  epochMs: () => performance.timeOrigin + performance.now(),
  soon: (task: () => void) => void setImmediate(task),
  after: (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  cpuMicros: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  activeMicros: () => performance.eventLoopUtilization().active * 1000,
});
