// How the minutes of a run are spent, decided before it starts: slice lengths are fixed by the mode, and the budget decides
// how many restarts fit. Restarts come first, since they are what the intervals stand on; slices are short, since many short
// ones see more than few long ones. Pure: the same request gives the same plan.

export interface PlanRequest {
  readonly quick: boolean;
  /** Overrides what fits the budget; the plan then says how long it will take. */
  readonly restarts?: number | undefined;
}

export interface RunPlan {
  readonly quick: boolean;
  readonly restarts: number;
  /** Slices per arm, workload and phase in one restart, over loopback. */
  readonly rounds: number;
  /** The same over the shaped link, where the link makes results steadier. */
  readonly shapedRounds: number;
  readonly confidence: number;
  readonly throughputSliceMs: number;
  readonly latencySliceMs: number;
  /** Over the shaped link, in both phases. */
  readonly shapedSliceMs: number;
  /** The longest an arm is warmed with one workload. */
  readonly warmUpMs: number;
  /** Calls of one workload below which an arm is not called warm. */
  readonly warmUpCalls: number;
  /** Once, to find the open-loop rates: per arm, workload and link. */
  readonly capacitySliceMs: number;
  /** Whole seconds of one CPU profile of a server, once in the run. */
  readonly profileSeconds: number;
  /** Expected length of one restart and of everything, in seconds. */
  readonly restartSeconds: number;
  readonly totalSeconds: number;
  /** After this many seconds no further restart is begun. */
  readonly budgetSeconds: number;
}

interface Mode {
  readonly budgetSeconds: number;
  readonly rounds: number;
  readonly shapedRounds: number;
  readonly throughputSliceMs: number;
  readonly latencySliceMs: number;
  readonly shapedSliceMs: number;
  readonly warmUpMs: number;
  readonly warmUpCalls: number;
  readonly capacitySliceMs: number;
  readonly profileSeconds: number;
}

const full: Mode = {
  budgetSeconds: 280,
  rounds: 4,
  shapedRounds: 2,
  throughputSliceMs: 250,
  latencySliceMs: 350,
  shapedSliceMs: 350,
  warmUpMs: 1600,
  warmUpCalls: 5000,
  capacitySliceMs: 400,
  profileSeconds: 3,
};

const quick: Mode = {
  budgetSeconds: 88,
  rounds: 2,
  shapedRounds: 1,
  throughputSliceMs: 120,
  latencySliceMs: 160,
  shapedSliceMs: 160,
  warmUpMs: 640,
  warmUpCalls: 1000,
  capacitySliceMs: 150,
  profileSeconds: 2,
};

// What everything else takes, in seconds, on two slow cores; checked against the clock while running.
const setupSeconds = 10;
const closingSeconds = 1.5;
const startSeconds = 4;
const stopSeconds = 1;
/** Canaries, counters and the gap between slices. */
const restartOverheadSeconds = 1.5;
const sliceOverheadMs = 15;

const arms = 4;
const workloads = 2;

export const minimumRestarts = 2;
export const maximumRestarts = 40;

/** Throws RangeError for a number of restarts that makes no experiment. */
export function planRun(request: PlanRequest): RunPlan {
  const mode = request.quick ? quick : full;
  const restartSeconds = secondsOfRestart(mode);
  const onceSeconds =
    setupSeconds +
    closingSeconds +
    mode.profileSeconds +
    (arms * workloads * 2 * mode.capacitySliceMs) / 1000;
  const fitting = Math.floor((mode.budgetSeconds - onceSeconds) / restartSeconds);
  const restarts = request.restarts ?? Math.max(minimumRestarts, Math.min(fitting, maximumRestarts));
  if (!Number.isInteger(restarts) || restarts < minimumRestarts || restarts > maximumRestarts) {
    throw new RangeError(
      `RESTARTS must be a whole number from ${minimumRestarts} to ${maximumRestarts}, got ${request.restarts}`,
    );
  }
  const totalSeconds = onceSeconds + restarts * restartSeconds;
  const { budgetSeconds, ...lengths } = mode;
  return {
    ...lengths,
    quick: request.quick,
    confidence: 0.95,
    restarts,
    restartSeconds,
    totalSeconds,
    budgetSeconds: Math.max(budgetSeconds, request.restarts === undefined ? 0 : totalSeconds * 1.5),
  };
}

function secondsOfRestart(mode: Mode): number {
  const { rounds, shapedRounds, throughputSliceMs, latencySliceMs, shapedSliceMs } = mode;
  const warm = arms * workloads * mode.warmUpMs;
  const loopback = workloads * rounds * arms * (throughputSliceMs + latencySliceMs + 2 * sliceOverheadMs);
  const shaped = workloads * shapedRounds * arms * 2 * (shapedSliceMs + sliceOverheadMs);
  return startSeconds + stopSeconds + restartOverheadSeconds + (warm + loopback + shaped) / 1000;
}

/** Whether another restart, as long as the longest so far, still ends inside the budget. The first two always run. */
export function mayStartRestart(
  plan: RunPlan,
  done: number,
  elapsedSeconds: number,
  longestSeconds: number,
): boolean {
  if (done >= plan.restarts) return false;
  if (done < minimumRestarts) return true;
  return elapsedSeconds + longestSeconds + closingSeconds <= plan.budgetSeconds;
}
