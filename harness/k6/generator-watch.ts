// Whether the generator kept up. A process that is always busy measures itself: what it then says of the system is not to be believed.

const INTERVAL_MS = 1_000;
/** Share of a second in which the event loop was busy, above which a call waits for the generator. */
const BUSY_SHARE = 0.9;
/** Share of the run's seconds that may be busy: a garbage collection or a start is not a run. */
const MOST_BUSY_SECONDS = 0.1;
/** Shorter runs are too few seconds to tell. */
const FEWEST_SECONDS = 3;

export interface GeneratorVerdict {
  readonly seconds: number;
  readonly busySeconds: number;
  readonly saturated: boolean;
}

export interface GeneratorWatch {
  stop(): GeneratorVerdict;
}

/** `onSecond` runs once a second, for gauges and progress. */
export function watchGenerator(onSecond: () => void): GeneratorWatch {
  let last = performance.eventLoopUtilization();
  let lastAt = performance.now();
  let seconds = 0;
  let busySeconds = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    // A loop that is blocked for longer than a second has fewer turns than seconds.
    const passed = Math.round((performance.now() - lastAt) / INTERVAL_MS);
    last = now;
    lastAt = performance.now();
    seconds += passed;
    if (utilization > BUSY_SHARE) busySeconds += passed;
    onSecond();
  }, INTERVAL_MS);
  return {
    stop() {
      clearInterval(timer);
      return { seconds, busySeconds, saturated: isSaturated(seconds, busySeconds) };
    },
  };
}

export function isSaturated(seconds: number, busySeconds: number): boolean {
  return seconds >= FEWEST_SECONDS && busySeconds > seconds * MOST_BUSY_SECONDS;
}
