// How the minutes of a gate are spent, decided before it starts. Restarts are what the intervals stand on, slices are short.
// Pure: the same minutes give the same plan.

export interface GatePlan {
  readonly minutes: number;
  readonly restarts: number;
  /** Both arms at once, each arrival to one by a coin. */
  readonly latencyMs: number;
  readonly latencySliceMs: number;
  /** Slices in which both arms are busy at once. */
  readonly busySlices: number;
  readonly busySliceMs: number;
  /** Calls of each arm from which the counters are taken. */
  readonly countedCalls: number;
  /** Calls of an arm before it is the other's turn, while they are counted. */
  readonly countedTurn: number;
  readonly warmUp: WarmUpPlan;
  /** Of each arm, once, to find the rate of the open loop. */
  readonly capacityMs: number;
  /** After this many seconds no further restart is begun. */
  readonly budgetSeconds: number;
}

/** Of both arms at once: it ends when each has had the calls and what they cost has settled, or at the cap. */
export interface WarmUpPlan {
  /** Of each arm, those of the cold count among them. */
  readonly calls: number;
  readonly windowMs: number;
  readonly capMs: number;
}

const setupSeconds = 25;
/** Starting and stopping two systems, canaries, counters, and a warm-up that settles. */
const restartOverheadSeconds = 20;
const latencyShare = 0.65;
const sliceMs = 500;

/** Throws RangeError for minutes in which nothing could be decided. */
export function planGate(minutes: number): GatePlan {
  if (!(minutes >= 1 && minutes <= 240)) throw new RangeError(`MINUTES must be 1 to 240, got ${minutes}`);
  // Divisible by three, so that there are looks on the way.
  const restarts = minutes >= 8 ? 12 : minutes >= 5 ? 9 : minutes >= 2.5 ? 6 : 3;
  const each = (minutes * 60 - setupSeconds) / restarts - restartOverheadSeconds;
  const measured = Math.max(4, each) * 1000;
  return {
    minutes,
    restarts,
    latencyMs: Math.max(4, Math.round((measured * latencyShare) / sliceMs)) * sliceMs,
    latencySliceMs: sliceMs,
    busySlices: Math.max(3, Math.round((measured * (1 - latencyShare)) / sliceMs)),
    busySliceMs: sliceMs,
    countedCalls: 3000,
    countedTurn: 500,
    warmUp: { calls: 10_000, windowMs: 1000, capMs: minutes >= 8 ? 16_000 : 8000 },
    capacityMs: 1000,
    budgetSeconds: minutes * 60 * 1.25,
  };
}
