// How the minutes of a gate are spent, decided before it starts. Restarts are what the intervals stand on, slices are short.
// Pure: the same minutes give the same plan.

export interface GatePlan {
  readonly minutes: number;
  readonly restarts: number;
  /** Both arms at once, each arrival to one by a coin. */
  readonly latencyMs: number;
  readonly latencySliceMs: number;
  /** Pairs of turns at saturation, one slice each. */
  readonly pairs: number;
  readonly throughputSliceMs: number;
  /** Calls of each arm from which the counters are taken. */
  readonly countedCalls: number;
  readonly warmUpMs: number;
  readonly warmUpCalls: number;
  /** Of each arm, once, to find the rate of the open loop. */
  readonly capacityMs: number;
  /** After this many seconds no further restart is begun. */
  readonly budgetSeconds: number;
}

const setupSeconds = 25;
/** Starting and stopping two systems, canaries, counters. */
const restartOverheadSeconds = 7;
const latencyShare = 0.65;
const sliceMs = 500;

/** Throws RangeError for minutes in which nothing could be decided. */
export function planGate(minutes: number): GatePlan {
  if (!(minutes >= 1 && minutes <= 240)) throw new RangeError(`MINUTES must be 1 to 240, got ${minutes}`);
  // Divisible by three, so that there are looks on the way.
  const restarts = minutes >= 8 ? 12 : minutes >= 5 ? 9 : minutes >= 2.5 ? 6 : 3;
  const warmUpMs = minutes >= 8 ? 8000 : minutes >= 2.5 ? 4000 : 2000;
  const each = (minutes * 60 - setupSeconds) / restarts - restartOverheadSeconds - (2 * warmUpMs) / 1000;
  const measured = Math.max(3, each) * 1000;
  return {
    minutes,
    restarts,
    latencyMs: Math.max(4, Math.round((measured * latencyShare) / sliceMs)) * sliceMs,
    latencySliceMs: sliceMs,
    pairs: Math.max(3, Math.round((measured * (1 - latencyShare)) / (2 * sliceMs))),
    throughputSliceMs: sliceMs,
    countedCalls: 3000,
    warmUpMs,
    warmUpCalls: 10_000,
    capacityMs: 1000,
    budgetSeconds: minutes * 60 * 1.25,
  };
}
